-- name: begun
SELECT b.watch, w.relation FROM indelible.baseline b JOIN indelible.watch w ON w.id = b.watch ORDER BY b.watch

-- name: lock
SELECT after IS NOT NULL AS begun FROM indelible.baseline WHERE watch = %(watch)s FOR UPDATE

-- name: move
UPDATE indelible.baseline SET after = upto WHERE watch = %(watch)s

-- name: finish
DELETE FROM indelible.baseline WHERE watch = %(watch)s

-- How far the next page goes by key order: so many rows, or so many bytes. Asked before its rows are locked: whoever
-- held one may have given it another key meanwhile. Keys stay on the server: not every letter of every encoding can be
-- told to a client.
-- name: reach
UPDATE indelible.baseline SET upto = CASE WHEN NOT last THEN place END FROM (
  SELECT place, number = rows AND rows < {rows} AS last FROM (
    SELECT place, row_number() OVER page AS number, count(*) OVER () AS rows, sum(width) OVER page AS bytes
    FROM (SELECT ARRAY[{place}] AS place, {width} AS width, row_number() OVER (ORDER BY {order}) AS number
          FROM {table} {above} ORDER BY {order} LIMIT {rows}) r
    WINDOW page AS (ORDER BY number)
  ) p WHERE number = 1 OR bytes <= {bytes} ORDER BY number DESC LIMIT 1
) reached WHERE watch = %(watch)s RETURNING last

-- One page, as one outbox row.
-- name: page
INSERT INTO indelible.outbox (watch, operation, context, marker, rows, new)
SELECT %(watch)s, 'baseline', %(context)s, %(marker)s, count(*), array_agg(p.cells)
FROM (SELECT {cells} AS cells FROM {table} {within} ORDER BY {order} FOR SHARE OF t) p HAVING count(*) > 0

-- All of a table that has no order to be read in.
-- name: everything
INSERT INTO indelible.outbox (watch, operation, context, marker, rows, new)
SELECT %(watch)s, 'baseline', %(context)s, %(marker)s, count(*), array_agg(p.cells)
FROM (
  SELECT cells, row_number() OVER () / {rows} AS many, sum(pg_column_size(cells)) OVER (ROWS UNBOUNDED PRECEDING) / {bytes} AS wide
  FROM (SELECT {cells} AS cells FROM {table} FOR SHARE OF t) r
) p GROUP BY p.many, p.wide ORDER BY p.many, p.wide
