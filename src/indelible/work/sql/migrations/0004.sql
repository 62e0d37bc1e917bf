-- Keys of programs that use the API. Of a key's secret a hash is kept, and nothing else.
CREATE TABLE api_key (
  log text NOT NULL,
  id text NOT NULL,
  name text NOT NULL,
  scopes text NOT NULL,         -- with commas: see keys/keys.py
  organization text,            -- sees and writes this one's entries only
  mark text NOT NULL,           -- SHA-256 of the secret
  marks_before text NOT NULL,   -- of those before it was rotated, each with a moment until which it is good: mark@until
  created_at bigint NOT NULL,
  used_at bigint,               -- about: to the minute
  PRIMARY KEY (log, id)
);
