-- Finds secrets by their look, inside the triggers of tables whose map asks for it; see docs/map.md. The patterns are
-- those of capture/sqlite/guard.py: a card number, a key or a token is the same on either database.

-- 13 to 19 digits, parted by single spaces or dashes after the first four, whose last digit is right (Luhn). A run of
-- groups is tried whole, then without its last groups.
CREATE OR REPLACE FUNCTION indelible.holds_card(value text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  run text;
  digits text;
BEGIN
  FOR run IN
    SELECT m[1] FROM regexp_matches(value, '(?<![+0-9A-Za-z])([2-6][0-9]{3}(?:[ -]?[0-9]){9,})(?![0-9A-Za-z])', 'g') m
  LOOP
    LOOP
      digits := translate(run, ' -', '');
      EXIT WHEN length(digits) < 13;
      IF length(digits) <= 19 AND (
        SELECT sum(CASE WHEN (length(digits) - i) % 2 = 0 THEN d WHEN d > 4 THEN d * 2 - 9 ELSE d * 2 END) % 10 = 0
        FROM generate_series(1, length(digits)) i, LATERAL (SELECT substr(digits, i, 1)::integer) c (d)
      ) THEN
        RETURN true;
      END IF;
      EXIT WHEN run !~ '[ -]';
      run := regexp_replace(run, '[ -][0-9]+$', '');
    END LOOP;
  END LOOP;
  RETURN false;
END $$;

CREATE OR REPLACE FUNCTION indelible.holds_secret(value text, kinds text[]) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS $$
  SELECT length(value) >= 13 AND (
    ('key' = ANY (kinds) AND value ~ '-----BEGIN.*PRIVATE KEY-----|k_live_[0-9A-Za-z]{8}|sk_test_[0-9A-Za-z]{8}|gh[opsu]_[0-9A-Za-z]{16}|github_pat_[0-9A-Za-z]{16}|A[KS]IA[0-9A-Z]{16}|xox[abp]-[-0-9A-Za-z]{10}|AIza[-0-9A-Z_a-z]{30}')
    OR ('token' = ANY (kinds) AND value ~ 'eyJ[-0-9A-Z_a-z]{4}.*\.eyJ[-0-9A-Z_a-z]{4}.*\.[-0-9A-Z_a-z]{4}')
    OR ('card' = ANY (kinds) AND value ~ '[2-6][0-9]{3}' AND indelible.holds_card(value)))
$$;
REVOKE ALL ON FUNCTION indelible.holds_secret(text, text[]), indelible.holds_card(text) FROM PUBLIC;
