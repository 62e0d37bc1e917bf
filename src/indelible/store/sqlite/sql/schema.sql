-- The log's own file. `leaf` is the log; everything below "derived" can be rebuilt from it.
-- Who trusts it: `verify` trusts `leaf.line` and nothing else here.

CREATE TABLE property (              -- written once, by init
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE leaf (
  seq  INTEGER PRIMARY KEY,
  hash BLOB NOT NULL CHECK (length(hash) = 32),    -- SHA-256(0x00 || line); names the bad entry when one is edited
  line BLOB NOT NULL CHECK (length(line) <= 65535)
) STRICT;

CREATE TABLE head (                  -- the tree as of the last commit; one row, moved by compare-and-swap on size
  only     INTEGER PRIMARY KEY CHECK (only = 1),
  size     INTEGER NOT NULL,
  root     BLOB NOT NULL,
  frontier BLOB NOT NULL
) STRICT;

CREATE TABLE node (                  -- the tree above the leaves: roots of complete subtrees of 256 ** level leaves
  level  INTEGER NOT NULL CHECK (level > 0),
  number INTEGER NOT NULL,           -- from 0, from the left
  hash   BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoint (            -- every signed note, as it stands
  size INTEGER PRIMARY KEY,
  note TEXT NOT NULL
) STRICT;

CREATE TABLE organization_checkpoint (  -- the signed notes of organizations' own trees, as they stand
  organization TEXT NOT NULL,
  log_size     INTEGER NOT NULL,     -- of the log among which it was made
  note         TEXT NOT NULL,
  PRIMARY KEY (organization, log_size)
) STRICT, WITHOUT ROWID;

CREATE TABLE cosignature (           -- lines of witnesses, to stand below the note of a checkpoint
  size INTEGER NOT NULL,
  line TEXT NOT NULL,
  PRIMARY KEY (size, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_change (            -- notes that the old signing key and the new one have signed
  number INTEGER PRIMARY KEY,        -- from 0
  note   TEXT NOT NULL
) STRICT;

CREATE TABLE attachment (            -- large values, under the hash that the entry carries
  hash  BLOB PRIMARY KEY,
  nonce BLOB NOT NULL,
  value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Derived: dictionaries. `folded` is what a search compares: case-folded, all spellings, one to a line.

CREATE TABLE action       (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folded TEXT NOT NULL) STRICT;
CREATE TABLE operation    (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folded TEXT NOT NULL) STRICT;
CREATE TABLE source       (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folded TEXT NOT NULL) STRICT;
CREATE TABLE entity_type  (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, folded TEXT NOT NULL) STRICT;
CREATE TABLE organization (id INTEGER PRIMARY KEY, key  TEXT NOT NULL UNIQUE, name TEXT, folded TEXT NOT NULL) STRICT;
CREATE TABLE actor (                 -- a row for each way an actor has looked
  id     INTEGER PRIMARY KEY,
  copy   TEXT NOT NULL UNIQUE,       -- JSON of type, id, name, e-mail
  folded TEXT NOT NULL
) STRICT;
CREATE TABLE entity (                -- `name` is the last one known, `folded` holds all it ever had
  id      INTEGER PRIMARY KEY,
  type_id INTEGER NOT NULL REFERENCES entity_type,
  key     TEXT NOT NULL,
  name    TEXT,
  folded  TEXT NOT NULL,
  UNIQUE (type_id, key)
) STRICT;

-- Derived: one row of integers an entry. What finds it fast follows the log, in files of its own (ADR 23): here an
-- index would cost each append.

CREATE TABLE entry (
  seq             INTEGER PRIMARY KEY REFERENCES leaf,
  id              BLOB NOT NULL UNIQUE,            -- the captured record's identity: it is sealed once or not at all
  at              INTEGER NOT NULL,                -- microseconds since 1970, UTC
  action_id       INTEGER NOT NULL,
  operation_id    INTEGER NOT NULL,
  source_id       INTEGER NOT NULL,
  entity_type_id  INTEGER NOT NULL,
  entity_id       INTEGER NOT NULL,
  actor_id        INTEGER NOT NULL,
  organization_id INTEGER                          -- NULL: of the platform
) STRICT;

-- The database refuses. An owner of the file can drop these triggers; then `verify` finds what was done.
-- The INSERT triggers are also the wall against REPLACE, which evicts rows without firing DELETE triggers.

CREATE TRIGGER leaf_in_order BEFORE INSERT ON leaf
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM leaf)
BEGIN SELECT RAISE(ABORT, 'indelible: entries are appended in order; nothing is inserted elsewhere'); END;

CREATE TRIGGER entry_in_order BEFORE INSERT ON entry
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq) + 1, 0) FROM entry) OR EXISTS (SELECT 1 FROM entry WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'indelible: entries are appended in order, each once'); END;

CREATE TRIGGER node_in_order BEFORE INSERT ON node
WHEN NEW.number IS NOT (SELECT coalesce(max(number) + 1, 0) FROM node WHERE level = NEW.level)
BEGIN SELECT RAISE(ABORT, 'indelible: the tree grows to the right, and nowhere else'); END;

CREATE TRIGGER checkpoint_in_order BEFORE INSERT ON checkpoint
WHEN NEW.size <= (SELECT max(size) FROM checkpoint)
BEGIN SELECT RAISE(ABORT, 'indelible: checkpoints only grow; none is replaced'); END;

CREATE TRIGGER organization_checkpoint_in_order BEFORE INSERT ON organization_checkpoint
WHEN NEW.log_size <= (SELECT max(log_size) FROM organization_checkpoint WHERE organization = NEW.organization)
BEGIN SELECT RAISE(ABORT, 'indelible: checkpoints only grow; none is replaced'); END;

CREATE TRIGGER key_change_in_order BEFORE INSERT ON key_change
WHEN NEW.number IS NOT (SELECT coalesce(max(number) + 1, 0) FROM key_change)
BEGIN SELECT RAISE(ABORT, 'indelible: changes of the key are appended; none is replaced'); END;

CREATE TRIGGER property_once BEFORE INSERT ON property
WHEN EXISTS (SELECT 1 FROM property WHERE name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'indelible: a property is written once'); END;

CREATE TRIGGER head_once BEFORE INSERT ON head
WHEN EXISTS (SELECT 1 FROM head)
BEGIN SELECT RAISE(ABORT, 'indelible: a log has one head'); END;

CREATE TRIGGER attachment_once BEFORE INSERT ON attachment
WHEN EXISTS (SELECT 1 FROM attachment WHERE hash = NEW.hash)
BEGIN SELECT RAISE(ABORT, 'indelible: an attachment is written once'); END;

CREATE TRIGGER leaf_refuses_update BEFORE UPDATE ON leaf
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of leaf is refused'); END;

CREATE TRIGGER leaf_refuses_delete BEFORE DELETE ON leaf
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of leaf is refused'); END;

CREATE TRIGGER entry_refuses_update BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of entry is refused'); END;

CREATE TRIGGER entry_refuses_delete BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of entry is refused'); END;

CREATE TRIGGER node_refuses_update BEFORE UPDATE ON node
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of node is refused'); END;

CREATE TRIGGER node_refuses_delete BEFORE DELETE ON node
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of node is refused'); END;

CREATE TRIGGER checkpoint_refuses_update BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of checkpoint is refused'); END;

CREATE TRIGGER checkpoint_refuses_delete BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of checkpoint is refused'); END;

CREATE TRIGGER organization_checkpoint_refuses_update BEFORE UPDATE ON organization_checkpoint
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of organization_checkpoint is refused'); END;

CREATE TRIGGER organization_checkpoint_refuses_delete BEFORE DELETE ON organization_checkpoint
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of organization_checkpoint is refused'); END;

CREATE TRIGGER cosignature_refuses_update BEFORE UPDATE ON cosignature
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of cosignature is refused'); END;

CREATE TRIGGER cosignature_refuses_delete BEFORE DELETE ON cosignature
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of cosignature is refused'); END;

CREATE TRIGGER key_change_refuses_update BEFORE UPDATE ON key_change
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of key_change is refused'); END;

CREATE TRIGGER key_change_refuses_delete BEFORE DELETE ON key_change
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of key_change is refused'); END;

CREATE TRIGGER property_refuses_update BEFORE UPDATE ON property
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of property is refused'); END;

CREATE TRIGGER property_refuses_delete BEFORE DELETE ON property
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of property is refused'); END;

CREATE TRIGGER head_refuses_delete BEFORE DELETE ON head
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of head is refused'); END;

CREATE TRIGGER head_grows BEFORE UPDATE ON head WHEN NEW.size <= OLD.size
BEGIN SELECT RAISE(ABORT, 'indelible: the log only grows'); END;

CREATE TRIGGER attachment_refuses_update BEFORE UPDATE ON attachment
BEGIN SELECT RAISE(ABORT, 'indelible: an attachment cannot be changed, only taken out'); END;

CREATE TRIGGER action_refuses_update BEFORE UPDATE ON action
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of action is refused'); END;

CREATE TRIGGER operation_refuses_update BEFORE UPDATE ON operation
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of operation is refused'); END;

CREATE TRIGGER source_refuses_update BEFORE UPDATE ON source
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of source is refused'); END;

CREATE TRIGGER entity_type_refuses_update BEFORE UPDATE ON entity_type
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of entity_type is refused'); END;

CREATE TRIGGER actor_refuses_update BEFORE UPDATE ON actor
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of actor is refused'); END;

CREATE TRIGGER action_refuses_delete BEFORE DELETE ON action
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of action is refused'); END;

CREATE TRIGGER operation_refuses_delete BEFORE DELETE ON operation
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of operation is refused'); END;

CREATE TRIGGER source_refuses_delete BEFORE DELETE ON source
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of source is refused'); END;

CREATE TRIGGER entity_type_refuses_delete BEFORE DELETE ON entity_type
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of entity_type is refused'); END;

CREATE TRIGGER actor_refuses_delete BEFORE DELETE ON actor
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of actor is refused'); END;

CREATE TRIGGER entity_refuses_delete BEFORE DELETE ON entity
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of entity is refused'); END;

CREATE TRIGGER organization_refuses_delete BEFORE DELETE ON organization
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of organization is refused'); END;

CREATE TRIGGER entity_stays BEFORE UPDATE OF id, type_id, key ON entity
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; an entity learns names, and stays what it is'); END;

CREATE TRIGGER organization_stays BEFORE UPDATE OF id, key ON organization
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; an organization learns names, and stays what it is'); END;
