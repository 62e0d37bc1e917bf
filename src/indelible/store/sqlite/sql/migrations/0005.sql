-- An entity and an organization learn names, and stay what they are.
CREATE TRIGGER entity_stays BEFORE UPDATE OF id, type_id, key ON entity
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; an entity learns names, and stays what it is'); END;

CREATE TRIGGER organization_stays BEFORE UPDATE OF id, key ON organization
BEGIN SELECT RAISE(ABORT, 'indelible: the log cannot be changed; an organization learns names, and stays what it is'); END;
