-- The tree above the leaves is kept, so that a proof reads little of it. `subtree` is the store's own function.
CREATE TABLE node (                  -- the tree above the leaves: roots of complete subtrees of 256 ** level leaves
  level  INTEGER NOT NULL CHECK (level > 0),
  number INTEGER NOT NULL,           -- from 0, from the left
  hash   BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, number)
) STRICT, WITHOUT ROWID;

-- Of a larger one there are no logs of this age.
INSERT INTO node SELECT 1, seq >> 8, subtree(hash ORDER BY seq)
FROM leaf GROUP BY seq >> 8 HAVING count(*) = 256;
INSERT INTO node SELECT 2, number >> 8, subtree(hash ORDER BY number)
FROM node WHERE level = 1 GROUP BY number >> 8 HAVING count(*) = 256;
INSERT INTO node SELECT 3, number >> 8, subtree(hash ORDER BY number)
FROM node WHERE level = 2 GROUP BY number >> 8 HAVING count(*) = 256;

CREATE TRIGGER node_in_order BEFORE INSERT ON node
WHEN NEW.number IS NOT (SELECT coalesce(max(number) + 1, 0) FROM node WHERE level = NEW.level)
BEGIN SELECT RAISE(ABORT, 'indelible: the tree grows to the right, and nowhere else'); END;

CREATE TRIGGER node_refuses_update BEFORE UPDATE ON node
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of node is refused'); END;

CREATE TRIGGER node_refuses_delete BEFORE DELETE ON node
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of node is refused'); END;

-- Organizations have checkpoints of their own.
CREATE TABLE organization_checkpoint (  -- the signed notes of organizations' own trees, as they stand
  organization TEXT NOT NULL,
  log_size     INTEGER NOT NULL,     -- of the log among which it was made
  note         TEXT NOT NULL,
  PRIMARY KEY (organization, log_size)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER organization_checkpoint_in_order BEFORE INSERT ON organization_checkpoint
WHEN NEW.log_size <= (SELECT max(log_size) FROM organization_checkpoint WHERE organization = NEW.organization)
BEGIN SELECT RAISE(ABORT, 'indelible: checkpoints only grow; none is replaced'); END;

CREATE TRIGGER organization_checkpoint_refuses_update BEFORE UPDATE ON organization_checkpoint
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of organization_checkpoint is refused'); END;

CREATE TRIGGER organization_checkpoint_refuses_delete BEFORE DELETE ON organization_checkpoint
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of organization_checkpoint is refused'); END;

-- Witnesses cosign.
CREATE TABLE cosignature (           -- lines of witnesses, to stand below the note of a checkpoint
  size INTEGER NOT NULL,
  line TEXT NOT NULL,
  PRIMARY KEY (size, line)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER cosignature_refuses_update BEFORE UPDATE ON cosignature
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of cosignature is refused'); END;

CREATE TRIGGER cosignature_refuses_delete BEFORE DELETE ON cosignature
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of cosignature is refused'); END;

-- Signing keys change.
CREATE TABLE key_change (            -- notes that the old signing key and the new one have signed
  number INTEGER PRIMARY KEY,        -- from 0
  note   TEXT NOT NULL
) STRICT;

CREATE TRIGGER key_change_in_order BEFORE INSERT ON key_change
WHEN NEW.number IS NOT (SELECT coalesce(max(number) + 1, 0) FROM key_change)
BEGIN SELECT RAISE(ABORT, 'indelible: changes of the key are appended; none is replaced'); END;

CREATE TRIGGER key_change_refuses_update BEFORE UPDATE ON key_change
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; UPDATE of key_change is refused'); END;

CREATE TRIGGER key_change_refuses_delete BEFORE DELETE ON key_change
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; DELETE of key_change is refused'); END;
