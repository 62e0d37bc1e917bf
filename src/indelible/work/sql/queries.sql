-- name: announcements
SELECT event FROM announcement WHERE log = :log ORDER BY id

-- name: add_announcement
INSERT INTO announcement (log, id, event) VALUES (:log, :id, :event)

-- name: drop_announcement
DELETE FROM announcement WHERE log = :log AND id = :id

-- name: webhook_key
SELECT value FROM property WHERE log = :log AND name = 'webhook key'

-- name: set_webhook_key
INSERT INTO property (log, name, value) VALUES (:log, 'webhook key', :mark)
ON CONFLICT (log, name) DO UPDATE SET value = excluded.value

-- name: endpoints
SELECT id, url, filter, organization, contact, state, reason, created_at, generation, generations_before, cursor,
  failing_since, rests_until
FROM endpoint WHERE log = :log ORDER BY created_at, id

-- name: endpoint
SELECT id, url, filter, organization, contact, state, reason, created_at, generation, generations_before, cursor,
  failing_since, rests_until
FROM endpoint WHERE log = :log AND id = :id

-- name: add_endpoint
INSERT INTO endpoint (log, id, url, filter, organization, contact, state, reason, created_at, generation,
  generations_before, cursor, failing_since, rests_until)
VALUES (:log, :id, :url, :filter, :organization, :contact, :state, :reason, :created_at, :generation,
  :generations_before, :cursor, :failing_since, :rests_until)
ON CONFLICT (log, id) DO NOTHING RETURNING id

-- name: change_endpoint
UPDATE endpoint SET url = :url, filter = :filter, contact = :contact, state = :state, reason = :reason,
  generation = :generation, generations_before = :generations_before, failing_since = :failing_since,
  rests_until = :rests_until
WHERE log = :log AND id = :id

-- name: remove_endpoint
DELETE FROM endpoint WHERE log = :log AND id = :id

-- name: remove_deliveries
DELETE FROM delivery WHERE log = :log AND endpoint = :id

-- name: remove_attempts
DELETE FROM attempt WHERE log = :log AND endpoint = :id

-- name: move_cursor
UPDATE endpoint SET cursor = :cursor WHERE log = :log AND id = :id AND cursor < :cursor

-- name: health
UPDATE endpoint SET failing_since = :failing_since, rests_until = :rests_until WHERE log = :log AND id = :id

-- name: put_delivery
INSERT INTO delivery (log, endpoint, message, seq, state, attempts, due_at)
VALUES (:log, :endpoint, :message, :seq, :state, :attempts, :due_at)
ON CONFLICT (log, endpoint, message)
DO UPDATE SET state = excluded.state, attempts = excluded.attempts, due_at = excluded.due_at

-- name: due
SELECT message, seq, attempts FROM delivery
WHERE log = :log AND endpoint = :endpoint AND state = 'waiting' AND due_at <= :now ORDER BY due_at LIMIT :limit

-- name: endpoints_due
SELECT DISTINCT endpoint FROM delivery WHERE log = :log AND state = 'waiting' AND due_at <= :now

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
DELETE FROM delivery WHERE log = :log AND (state = 'delivered' AND due_at < :before
  OR endpoint NOT IN (SELECT id FROM endpoint WHERE log = :log))

-- name: add_letter
INSERT INTO letter (log, id, recipient, subject, plain, html, unsubscribe, attempts, due_at)
VALUES (:log, :id, :recipient, :subject, :plain, :html, :unsubscribe, 0, :due_at)
ON CONFLICT (log, id) DO NOTHING

-- name: due_letters
SELECT id, recipient, subject, plain, html, unsubscribe, attempts FROM letter
WHERE log = :log AND due_at <= :now ORDER BY due_at LIMIT 20

-- name: postpone_letter
UPDATE letter SET attempts = :attempts, due_at = :due_at, failure = :failure WHERE log = :log AND id = :id

-- name: drop_letter
DELETE FROM letter WHERE log = :log AND id = :id

-- name: know_job
INSERT INTO job (log, name, known_since) VALUES (:log, :job, :now)
ON CONFLICT (log, name) DO UPDATE SET known_since =
  CASE WHEN job.known_since < excluded.known_since THEN job.known_since ELSE excluded.known_since END
RETURNING known_since

-- name: claim_run
INSERT INTO job_run (log, job, due_at, started_at, state, tries) VALUES (:log, :job, :due_at, :now, 'running', 1)
ON CONFLICT (log, job, due_at) DO UPDATE SET started_at = excluded.started_at, ended_at = NULL, state = 'running',
  tries = job_run.tries + 1, told = NULL
WHERE job_run.tries < :tries
  AND (job_run.state = 'interrupted' OR job_run.state = 'failed' AND job_run.started_at <= :before)
RETURNING due_at

-- name: end_run
UPDATE job_run SET ended_at = :now, state = :state, told = :told WHERE log = :log AND job = :job AND due_at = :due_at

-- name: forget_idle
DELETE FROM job_run WHERE log = :log AND job = :job AND state = 'idle' AND due_at < :due_at

-- name: interrupt_runs
UPDATE job_run SET ended_at = :now, state = 'interrupted' WHERE log = :log AND state = 'running'

-- name: forget_runs
DELETE FROM job_run WHERE log = :log AND started_at < :before

-- name: runs
SELECT job, due_at, started_at, ended_at, state, tries, told FROM job_run
WHERE log = :log ORDER BY started_at DESC LIMIT :limit

-- name: runs_of
SELECT job, due_at, started_at, ended_at, state, tries, told FROM job_run
WHERE log = :log AND job = :job ORDER BY due_at DESC LIMIT :limit

-- name: add_digest
INSERT INTO digest (log, id, name, recipient, frequency, query, organization, created_at, cursor, covered_at)
VALUES (:log, :id, :name, :recipient, :frequency, :query, :organization, :created_at, :cursor, :covered_at)
ON CONFLICT (log, id) DO NOTHING RETURNING id

-- name: digests
SELECT id, name, recipient, frequency, query, organization, created_at, cursor, covered_at
FROM digest WHERE log = :log ORDER BY created_at, id

-- name: digest
SELECT id, name, recipient, frequency, query, organization, created_at, cursor, covered_at
FROM digest WHERE log = :log AND id = :id

-- name: cover_digest
UPDATE digest SET cursor = :cursor, covered_at = :covered_at WHERE log = :log AND id = :id AND cursor = :was AND covered_at = :was_covered_at RETURNING id

-- name: remove_digest
DELETE FROM digest WHERE log = :log AND id = :id

-- name: drop_letters_of
DELETE FROM letter WHERE log = :log AND id LIKE :like

-- name: add_view
INSERT INTO saved_view (log, id, name, owner, organization, shared, opens, query, since, until, created_at)
VALUES (:log, :id, :name, :owner, :organization, :shared, :opens, :query, :since, :until, :created_at)
ON CONFLICT (log, id) DO UPDATE SET shared = excluded.shared, opens = excluded.opens

-- name: views
SELECT id, name, owner, organization, shared, opens, query, since, until, created_at
FROM saved_view WHERE log = :log ORDER BY name, id

-- name: open_no_view
UPDATE saved_view SET opens = 0
WHERE log = :log AND owner = :owner AND organization IS NOT DISTINCT FROM :organization

-- name: remove_view
DELETE FROM saved_view WHERE log = :log AND id = :id

-- name: add_export
INSERT INTO export (log, id, owner, organization, format, columns, query, since, until, asked_at, size, state, reached,
  entries, bytes)
VALUES (:log, :id, :owner, :organization, :format, :columns, :query, :since, :until, :asked_at, :size, :state, :reached,
  :entries, :bytes)
ON CONFLICT (log, id) DO NOTHING RETURNING id

-- name: exports
SELECT id, owner, organization, format, columns, query, since, until, asked_at, size, state, reached, entries, bytes,
  ended_at, until_at, told
FROM export WHERE log = :log ORDER BY asked_at DESC, id

-- name: next_export
UPDATE export SET state = 'running'
WHERE log = :log AND id = (SELECT id FROM export WHERE log = :log AND state IN ('waiting', 'running')
  ORDER BY asked_at, id LIMIT 1)
RETURNING id, owner, organization, format, columns, query, since, until, asked_at, size, state, reached, entries, bytes,
  ended_at, until_at, told

-- name: move_export
UPDATE export SET reached = :reached, entries = :entries, bytes = :bytes
WHERE log = :log AND id = :id AND state = 'running' RETURNING id

-- name: end_export
UPDATE export SET state = :state, ended_at = :now, until_at = :until_at, told = :told
WHERE log = :log AND id = :id AND state = 'running'

-- name: resume_export
UPDATE export SET state = 'waiting', ended_at = NULL, until_at = NULL, told = NULL
WHERE log = :log AND id = :id AND state = 'failed'

-- name: remove_export
DELETE FROM export WHERE log = :log AND id = :id

-- name: add_key
INSERT INTO api_key (log, id, name, scopes, organization, mark, marks_before, created_at, used_at)
VALUES (:log, :id, :name, :scopes, :organization, :mark, :marks_before, :created_at, :used_at)

-- name: keys
SELECT id, name, scopes, organization, mark, marks_before, created_at, used_at
FROM api_key WHERE log = :log ORDER BY created_at, id

-- name: key
SELECT id, name, scopes, organization, mark, marks_before, created_at, used_at
FROM api_key WHERE log = :log AND id = :id

-- name: rotate_key
UPDATE api_key SET mark = :mark, marks_before = :marks_before WHERE log = :log AND id = :id

-- name: use_key
UPDATE api_key SET used_at = :now WHERE log = :log AND id = :id

-- name: remove_key
DELETE FROM api_key WHERE log = :log AND id = :id
