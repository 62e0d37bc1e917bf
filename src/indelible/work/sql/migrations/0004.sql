-- Keys of programs that use the API. Of a key's secret a hash is kept, and nothing else.
CREATE TABLE api_key (
  log text NOT NULL,
  id text NOT NULL,
  name text NOT NULL,
  scopes text NOT NULL,         -- with commas: see keys/keys.py
  organization text,            -- sees and writes this one's entries only
  mark text NOT NULL,           -- SHA-256 of the secret
  mark_before text,             -- of the one before it was rotated
  before_until bigint NOT NULL, -- until then that one is good, too
  created_at bigint NOT NULL,
  used_at bigint,               -- about: to the minute
  PRIMARY KEY (log, id)
);
