-- Every statement the store runs on the log's file, by name.

-- name: head
SELECT size, root, frontier FROM head

-- name: first_head
INSERT INTO head (only, size, root, frontier) VALUES (1, 0, ?, x'')

-- The compare-and-swap: no row changes if somebody else appended since the head was read.
-- name: move_head
UPDATE head SET size = :size, root = :root, frontier = :frontier WHERE size = :expected

-- name: add_property
INSERT INTO property (name, value) VALUES (?, ?)

-- name: properties
SELECT name, value FROM property

-- name: add_leaf
INSERT INTO leaf (seq, hash, line) VALUES (?, ?, ?)

-- name: add_node
INSERT INTO node (level, number, hash) VALUES (?, ?, ?)

-- name: add_attachment
INSERT INTO attachment (hash, nonce, value) VALUES (?, ?, ?)

-- name: add_entry
INSERT INTO entry (seq, id, at, action_id, operation_id, source_id, entity_type_id, entity_id, actor_id, organization_id)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)

-- name: known
SELECT id, seq FROM entry WHERE id = ?

-- name: known_below
SELECT 1 FROM entry WHERE id = ? AND seq < ?

-- name: leaves
SELECT seq, hash, line FROM leaf WHERE seq >= ? AND seq < ? ORDER BY seq LIMIT ?

-- name: line
SELECT line FROM leaf WHERE seq = ?

-- name: leaf_hashes
SELECT hash FROM leaf WHERE seq >= ? AND seq < ? ORDER BY seq

-- name: nodes
SELECT hash FROM node WHERE number >= ? AND number < ? AND level = ? ORDER BY number

-- name: lines
SELECT line FROM leaf WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq

-- name: stretch
SELECT line FROM leaf WHERE seq >= ? AND seq < ? ORDER BY seq

-- name: own_lines
SELECT l.line FROM leaf l JOIN entry e USING (seq) WHERE seq IN (SELECT value FROM json_each(?))
AND e.organization_id = (SELECT id FROM organization WHERE key = ?) ORDER BY seq

-- name: entities
SELECT id FROM entity WHERE key = ? AND type_id IN (SELECT id FROM entity_type WHERE lower(name) = lower(?))

-- name: bounds
SELECT min(seq), max(seq) FROM (
  SELECT min(seq) AS seq FROM leaf UNION ALL SELECT max(seq) FROM leaf
  UNION ALL SELECT min(seq) FROM entry UNION ALL SELECT max(seq) FROM entry
  UNION ALL SELECT max(((number + 1) << 8 * level) - 1) FROM node
)

-- Tables, indexes and triggers, as they were made.
-- name: objects
SELECT name, sql FROM sqlite_master WHERE type <> 'table' OR name NOT IN ('sqlite_stat1', 'sqlite_stat4')

-- name: add_checkpoint
INSERT INTO checkpoint (size, note) SELECT :size, :note WHERE :size > (SELECT coalesce(max(size), -1) FROM checkpoint)

-- name: newest_checkpoint
SELECT size, note FROM checkpoint WHERE size <= ? ORDER BY size DESC LIMIT 1

-- name: checkpoints
SELECT size, note FROM checkpoint WHERE size > ? AND size <= ? ORDER BY size LIMIT ?

-- name: add_organization_checkpoint
INSERT INTO organization_checkpoint (organization, log_size, note) SELECT :organization, :log_size, :note WHERE :log_size >
  (SELECT coalesce(max(log_size), -1) FROM organization_checkpoint WHERE organization = :organization)

-- name: newest_organization_checkpoint
SELECT log_size, note FROM organization_checkpoint WHERE organization = ? ORDER BY log_size DESC LIMIT 1

-- name: organization_checkpoints
SELECT organization, log_size, note FROM organization_checkpoint WHERE (log_size, organization) > (?, ?)
ORDER BY log_size, organization LIMIT ?

-- name: add_cosignature
INSERT INTO cosignature (size, line) VALUES (?, ?) ON CONFLICT DO NOTHING

-- name: cosignatures
SELECT line FROM cosignature WHERE size = ? ORDER BY line

-- name: newest_cosigned
SELECT size, note FROM cosignature JOIN checkpoint USING (size)
WHERE size <= :upto AND substr(line, 1, length(:begins)) = :begins ORDER BY size DESC LIMIT 1

-- name: add_key_change
INSERT INTO key_change (number, note) VALUES (?, ?)

-- name: key_changes
SELECT note FROM key_change ORDER BY number

-- name: attachments
SELECT hash, nonce, value FROM attachment

-- name: attached
SELECT value FROM attachment WHERE hash = ?

-- What `verify` holds against the lines: the index as people search it.
-- name: index_rows
SELECT e.seq, e.id, e.at, a.name, o.name, s.name, t.name, n.key, c.copy,
       CASE WHEN e.organization_id IS NULL OR g.id IS NOT NULL THEN g.key ELSE '' END,  -- a number that is nobody's
       a.folded, o.folded, s.folded, t.folded, n.folded, c.folded, g.folded
FROM entry e
LEFT JOIN action a ON a.id = e.action_id
LEFT JOIN operation o ON o.id = e.operation_id
LEFT JOIN source s ON s.id = e.source_id
LEFT JOIN entity_type t ON t.id = e.entity_type_id
LEFT JOIN entity n ON n.id = e.entity_id AND n.type_id = e.entity_type_id
LEFT JOIN actor c ON c.id = e.actor_id
LEFT JOIN organization g ON g.id = e.organization_id
WHERE e.seq >= ? AND e.seq < ? ORDER BY e.seq
