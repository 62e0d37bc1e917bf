-- Searches that people keep.
CREATE TABLE saved_view (
  log text NOT NULL,
  id text NOT NULL,
  name text NOT NULL,
  owner text NOT NULL,          -- who kept it: see views/views.py
  organization text,            -- whose viewers it is for; NULL: of those who see every organization
  shared bigint NOT NULL,       -- 1: with all of these
  opens bigint NOT NULL,        -- 1: the owner sees it first
  query text NOT NULL,
  since text NOT NULL,
  until text NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (log, id)
);
