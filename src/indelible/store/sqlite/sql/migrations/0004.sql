-- What finds an entry follows the log (ADR 23).
DROP INDEX entry_at;
DROP INDEX entry_action;
DROP INDEX entry_entity_type;
DROP INDEX entry_entity;
DROP INDEX entry_actor;
DROP INDEX entry_organization;
