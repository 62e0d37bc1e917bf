-- Exports that are made in the background, each into a file.
CREATE TABLE export (
  log text NOT NULL,
  id text NOT NULL,
  owner text NOT NULL,          -- who may take it: see exports/exports.py
  organization text,            -- of this one's entries only
  format text NOT NULL,
  columns text NOT NULL,        -- of CSV: their names, with commas; empty: all
  query text NOT NULL,
  since text NOT NULL,
  until text NOT NULL,
  asked_at bigint NOT NULL,     -- what 7d, or today, counts from
  size bigint NOT NULL,         -- of the log then: no later entry is in it
  state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
  reached bigint NOT NULL,      -- every entry before it was looked at, and those that fit are in the file
  entries bigint NOT NULL,      -- in the file
  bytes bigint NOT NULL,        -- of the file that count: what is behind them is written again
  ended_at bigint,
  until_at bigint,              -- when the file is removed
  told text,                    -- done: the manifest; failed: why
  PRIMARY KEY (log, id)
);
