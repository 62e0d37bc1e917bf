-- What finds an entry follows the log (ADR 23).
DROP INDEX indelible_log.entry_at;
DROP INDEX indelible_log.entry_action;
DROP INDEX indelible_log.entry_entity_type;
DROP INDEX indelible_log.entry_entity;
DROP INDEX indelible_log.entry_actor;
DROP INDEX indelible_log.entry_organization;
