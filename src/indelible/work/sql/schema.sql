-- What SQLite and PostgreSQL both read: bigint, bytea and text mean the same to both. Moments are microseconds since
-- 1970, UTC. Every key begins with the log's name: several logs may be in one PostgreSQL database.

-- Events on their way into the log, written together with what they tell of; gone once they are sealed.
CREATE TABLE announcement (
  log text NOT NULL,
  id text NOT NULL,
  event text NOT NULL,
  PRIMARY KEY (log, id)
);

-- What holds for all of it: a mark of the key that webhooks are signed with.
CREATE TABLE property (
  log text NOT NULL,
  name text NOT NULL,
  value text NOT NULL,
  PRIMARY KEY (log, name)
);

-- Mails on their way; gone once a server has taken them, or refused them for good.
CREATE TABLE letter (
  log text NOT NULL,
  id text NOT NULL,
  recipient text NOT NULL,
  subject text NOT NULL,
  plain text NOT NULL,
  html text,
  unsubscribe text,             -- the address that does it
  attempts bigint NOT NULL,
  due_at bigint NOT NULL,       -- of the next attempt
  failure text,                 -- of the last one
  PRIMARY KEY (log, id)
);
CREATE INDEX letter_due ON letter (log, due_at);

CREATE TABLE endpoint (
  log text NOT NULL,
  id text NOT NULL,
  url text NOT NULL,
  filter text NOT NULL,
  organization text,            -- hears of this one's entries only
  contact text,
  state text NOT NULL CHECK (state IN ('active', 'paused', 'disabled')),
  reason text,                  -- why it is disabled
  created_at bigint NOT NULL,
  generation bigint NOT NULL,   -- of its secrets: they are derived, see webhooks/secret.py
  overlap_until bigint NOT NULL,  -- until then the generation before signs, too
  cursor bigint NOT NULL,       -- every entry before it was delivered, or stands among the deliveries
  failing_since bigint,         -- since when no attempt succeeded; NULL: the last one did
  PRIMARY KEY (log, id)
);

-- An entry on its way to an endpoint, or there. Those that are there are forgotten after a while.
CREATE TABLE delivery (
  log text NOT NULL,
  endpoint text NOT NULL,
  message text NOT NULL,        -- webhook-id: the same in every attempt
  seq bigint,                   -- NULL: a test
  state text NOT NULL CHECK (state IN ('waiting', 'delivered', 'set aside')),
  attempts bigint NOT NULL,     -- since it was last replayed
  due_at bigint NOT NULL,       -- of the next attempt; of what is not waiting, when the last one was
  PRIMARY KEY (log, endpoint, message)
);
CREATE INDEX delivery_due ON delivery (log, endpoint, state, due_at);
CREATE INDEX delivery_waiting ON delivery (log, state, due_at, endpoint);
CREATE INDEX delivery_seq ON delivery (log, endpoint, seq);

CREATE TABLE attempt (
  log text NOT NULL,
  endpoint text NOT NULL,
  message text NOT NULL,
  started_at bigint NOT NULL,
  took bigint NOT NULL,         -- microseconds
  tree bigint NOT NULL,         -- the size of the checkpoint in it: with that its body can be made again
  status bigint,                -- NULL: there was no answer
  failure text,                 -- why it counts as failed; NULL: it does not
  answer bytea,                 -- the beginning of what was answered
  PRIMARY KEY (log, endpoint, message, started_at)
);
CREATE INDEX attempt_newest ON attempt (log, endpoint, started_at);

CREATE TABLE job (
  log text NOT NULL,
  name text NOT NULL,
  known_since bigint NOT NULL,
  PRIMARY KEY (log, name)
);

-- A run of a job, by the moment at which it was due: there is one, whoever runs it.
CREATE TABLE job_run (
  log text NOT NULL,
  job text NOT NULL,
  due_at bigint NOT NULL,
  started_at bigint NOT NULL,
  ended_at bigint,
  state text NOT NULL CHECK (state IN ('running', 'done', 'idle', 'failed', 'interrupted')),
  tries bigint NOT NULL,
  told text,                    -- what it did, or why it failed
  PRIMARY KEY (log, job, due_at)
);
CREATE INDEX job_run_newest ON job_run (log, started_at);

CREATE TABLE digest (
  log text NOT NULL,
  id text NOT NULL,
  name text NOT NULL,
  recipient text NOT NULL,
  frequency text NOT NULL CHECK (frequency IN ('daily', 'weekly', 'monthly')),
  query text NOT NULL,          -- a saved view: what it is of
  organization text,            -- of this one's entries only
  created_at bigint NOT NULL,
  cursor bigint NOT NULL,       -- every entry before it was in an earlier digest
  covered_at bigint NOT NULL,   -- when that was
  PRIMARY KEY (log, id)
);
