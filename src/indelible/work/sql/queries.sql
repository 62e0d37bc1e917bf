-- name: announcements
SELECT event FROM announcement WHERE log = :log ORDER BY id

-- name: add_announcement
INSERT INTO announcement (log, id, event) VALUES (:log, :id, :event)

-- name: drop_announcement
DELETE FROM announcement WHERE log = :log AND id = :id

-- name: webhook_key
INSERT INTO property (log, name, value) VALUES (:log, 'webhook key', :mark)
ON CONFLICT (log, name) DO UPDATE SET value = property.value RETURNING value

-- name: endpoints
SELECT id, url, filter, organization, contact, state, reason, created_at, generation, overlap_until, cursor,
  failing_since
FROM endpoint WHERE log = :log ORDER BY created_at, id

-- name: endpoint
SELECT id, url, filter, organization, contact, state, reason, created_at, generation, overlap_until, cursor,
  failing_since
FROM endpoint WHERE log = :log AND id = :id

-- name: add_endpoint
INSERT INTO endpoint (log, id, url, filter, organization, contact, state, reason, created_at, generation,
  overlap_until, cursor, failing_since)
VALUES (:log, :id, :url, :filter, :organization, :contact, :state, :reason, :created_at, :generation,
  :overlap_until, :cursor, :failing_since)

-- name: change_endpoint
UPDATE endpoint SET url = :url, filter = :filter, contact = :contact, state = :state, reason = :reason,
  generation = :generation, overlap_until = :overlap_until, failing_since = :failing_since
WHERE log = :log AND id = :id

-- name: remove_endpoint
DELETE FROM endpoint WHERE log = :log AND id = :id

-- name: remove_deliveries
DELETE FROM delivery WHERE log = :log AND endpoint = :id

-- name: remove_attempts
DELETE FROM attempt WHERE log = :log AND endpoint = :id

-- name: move_cursor
UPDATE endpoint SET cursor = :cursor WHERE log = :log AND id = :id AND cursor < :cursor

-- name: failing
UPDATE endpoint SET failing_since = :since WHERE log = :log AND id = :id

-- name: put_delivery
INSERT INTO delivery (log, endpoint, message, seq, state, attempts, due_at)
VALUES (:log, :endpoint, :message, :seq, :state, :attempts, :due_at)
ON CONFLICT (log, endpoint, message)
DO UPDATE SET state = excluded.state, attempts = excluded.attempts, due_at = excluded.due_at

-- name: due
SELECT message, seq, attempts FROM delivery
WHERE log = :log AND endpoint = :endpoint AND state = 'waiting' AND due_at <= :now ORDER BY due_at LIMIT :limit

-- name: handled
SELECT seq FROM delivery WHERE log = :log AND endpoint = :endpoint AND seq >= :cursor

-- name: replay_one
UPDATE delivery SET state = 'waiting', attempts = 0, due_at = :now
WHERE log = :log AND endpoint = :endpoint AND message = :message AND seq IS NOT NULL RETURNING message

-- name: replay_failed
UPDATE delivery SET state = 'waiting', attempts = 0, due_at = :now
WHERE log = :log AND endpoint = :endpoint AND seq IS NOT NULL
  AND (state = 'set aside' OR state = 'waiting' AND attempts > 0) RETURNING message

-- name: delivery
SELECT message, seq, state, attempts, due_at FROM delivery
WHERE log = :log AND endpoint = :endpoint AND message = :message

-- name: deliveries
SELECT message, seq, state, attempts, due_at FROM delivery
WHERE log = :log AND endpoint = :endpoint AND state = :state AND due_at < :before ORDER BY due_at DESC LIMIT :limit

-- name: states
SELECT state, count(*) FROM delivery WHERE log = :log AND endpoint = :endpoint AND seq IS NOT NULL GROUP BY state

-- name: add_attempt
INSERT INTO attempt (log, endpoint, message, started_at, took, tree, status, failure, answer)
VALUES (:log, :endpoint, :message, :started_at, :took, :tree, :status, :failure, :answer)
ON CONFLICT (log, endpoint, message, started_at) DO NOTHING

-- name: attempts
SELECT message, started_at, took, tree, status, failure, answer FROM attempt
WHERE log = :log AND endpoint = :endpoint AND started_at < :before ORDER BY started_at DESC LIMIT :limit

-- name: attempts_of
SELECT message, started_at, took, tree, status, failure, answer FROM attempt
WHERE log = :log AND endpoint = :endpoint AND message = :message ORDER BY started_at DESC LIMIT :limit

-- name: forget_attempts
DELETE FROM attempt WHERE log = :log AND started_at < :before

-- name: forget_deliveries
DELETE FROM delivery WHERE log = :log AND state = 'delivered' AND due_at < :before

-- name: add_letter
INSERT INTO letter (log, id, recipient, subject, plain, html, unsubscribe, attempts, due_at)
VALUES (:log, :id, :recipient, :subject, :plain, :html, :unsubscribe, 0, :due_at)
ON CONFLICT (log, id) DO NOTHING

-- name: letters
SELECT recipient, subject FROM letter WHERE log = :log ORDER BY due_at, id
