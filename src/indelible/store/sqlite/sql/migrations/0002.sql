-- The index is cut into segments (ADR 14).
DROP INDEX entry_at;
DROP INDEX entry_action;
DROP INDEX entry_entity_type;
DROP INDEX entry_entity;
DROP INDEX entry_actor;
DROP INDEX entry_organization;
CREATE INDEX entry_at           ON entry (seq >> 12, at);
CREATE INDEX entry_action       ON entry (seq >> 12, action_id);
CREATE INDEX entry_entity_type  ON entry (seq >> 12, entity_type_id);
CREATE INDEX entry_entity       ON entry (seq >> 12, entity_id);
CREATE INDEX entry_actor        ON entry (seq >> 12, actor_id);
CREATE INDEX entry_organization ON entry (seq >> 12, organization_id);
