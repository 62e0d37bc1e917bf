-- What a receiver asked for, and the secrets before, outlive a restart and another rotation.
ALTER TABLE endpoint ADD COLUMN rests_until bigint NOT NULL DEFAULT 0;  -- it asked to be left alone until then
ALTER TABLE endpoint ADD COLUMN generations_before text NOT NULL DEFAULT '';  -- that sign, too: number@until
UPDATE endpoint SET generations_before = (generation - 1) || '@' || overlap_until WHERE overlap_until > 0;
ALTER TABLE endpoint DROP COLUMN overlap_until;
