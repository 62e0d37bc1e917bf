"""Finds secrets by their look, in the trigger, so that they never leave their table; in SQL that any client runs.

A card number has 13 to 19 digits, begins as cards do, may be parted by single spaces or dashes, the first time after
four digits or more, and its last digit is right (Luhn). Keys and tokens are known by how their issuers begin them.
"""

from collections.abc import Iterable, Mapping

LEAST = 13  # characters; nothing that is looked for is shorter
DEPTH = 100  # conditions in a row: an expression may be 1,000 deep
MOST = 100_000  # characters; where a longer text has a card's worth of digits in a row, it is not read further

_DIGIT, _ALNUM = "[0-9]", "[0-9A-Za-z]"
_KEYS = (
    "*-----BEGIN*PRIVATE KEY-----*",
    f"*k_live_{_ALNUM * 8}*",
    f"*sk_test_{_ALNUM * 8}*",
    f"*gh[opsu]_{_ALNUM * 16}*",
    f"*github_pat_{_ALNUM * 16}*",
    f"*A[KS]IA{'[0-9A-Z]' * 16}*",
    f"*xox[abp]-{'[-0-9A-Za-z]' * 10}*",
    f"*AIza{'[-0-9A-Z_a-z]' * 30}*",
)
_TOKENS = (f"*eyJ{'[-0-9A-Z_a-z]' * 4}*.eyJ{'[-0-9A-Z_a-z]' * 4}*.{'[-0-9A-Z_a-z]' * 4}*",)

# Over `x` and its bytes `b`: the positions are walked once, and from each that may begin a card its digits are
# added up both ways, since which of them count double is known only at the end.
_CHAR = "instr(x'30313233343536373839', substr(b, i, 1))"  # 0: no digit, else the digit and one
_TWICE = f"({_CHAR} - 1) * 2 - 9 * ({_CHAR} > 5)"
_CARD = f"""EXISTS (WITH RECURSIVE
  place (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM place WHERE i < length(b)),
  run (i, n, evens, odds) AS (
    SELECT i, 0, 0, 0 FROM place
    WHERE substr(b, i, 1) BETWEEN x'32' AND x'36'
      AND (i = 1 OR CAST(substr(b, i - 1, 1) AS TEXT) NOT GLOB '[+0-9A-Za-z]')
    UNION ALL
    SELECT i + 1, n + ({_CHAR} > 0),
      evens + CASE WHEN {_CHAR} = 0 THEN 0 WHEN n % 2 THEN {_CHAR} - 1 ELSE {_TWICE} END,
      odds + CASE WHEN {_CHAR} = 0 THEN 0 WHEN n % 2 THEN {_TWICE} ELSE {_CHAR} - 1 END
    FROM run WHERE i <= length(b) AND n < 20
      AND ({_CHAR} > 0 OR (n > 3 AND substr(b, i, 1) IN (x'20', x'2d') AND substr(b, i + 1, 1) BETWEEN x'30' AND x'39'))
  )
  SELECT 1 FROM run WHERE n BETWEEN 13 AND 19 AND CAST(substr(b, i, 1) AS TEXT) NOT GLOB '{_ALNUM}'
    AND CASE n % 2 WHEN 0 THEN evens ELSE odds END % 10 = 0)"""
_UTF16 = "length(CAST('a' AS BLOB)) > 1"  # a database of such texts, whose bytes cannot be walked: any card's worth
_LOOKS = {
    "card": f"(replace(replace(x, ' ', ''), '-', '') GLOB '*[2-6]{_DIGIT * 12}*' "
    f"AND (length(x) > {MOST} OR {_UTF16} OR {_CARD}))",
    "key": "(" + " OR ".join(f"x GLOB '{pattern}'" for pattern in _KEYS) + ")",
    "token": "(" + " OR ".join(f"x GLOB '{pattern}'" for pattern in _TOKENS) + ")",
}


def hidden(cells: Mapping[str, tuple[str, Iterable[str]]]) -> str:
    """The places among `cells` (place: value, kinds to look for) that hold a secret: ",n0,n4,"; NULL if none does."""
    lengths = [f"length({value}) >= {LEAST}" for value, _ in cells.values()]
    long = " OR ".join(f"({' OR '.join(lengths[at : at + DEPTH])})" for at in range(0, len(lengths), DEPTH))
    # Of a SELECT for each, joined by UNION ALL, there may be 500 at most; of rows of VALUES any number.
    listed = ", ".join(f"('{place}', '{' '.join(kinds)}', {value})" for place, (value, kinds) in cells.items())
    wanted = sorted({kind for _, kinds in cells.values() for kind in kinds})
    found = " OR ".join(f"(instr(kinds, '{kind}') AND {_LOOKS[kind]})" for kind in wanted)
    return (
        f"CASE WHEN {long} THEN (WITH cell (place, kinds, x) AS (VALUES {listed}) "
        "SELECT ',' || group_concat(place) || ',' FROM (SELECT *, CAST(x AS BLOB) AS b "
        f"FROM cell WHERE typeof(x) = 'text' AND length(x) >= {LEAST}) WHERE {found}) END"
    )
