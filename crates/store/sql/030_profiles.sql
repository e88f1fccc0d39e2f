-- Profiles: where processors were. A stack is stored by its content, once a day; names of addresses as agents tell them.

CREATE TABLE profile (
    from_ns   BIGINT NOT NULL,
    to_ns     BIGINT NOT NULL,
    instance  UINTEGER NOT NULL,
    kind      UTINYINT NOT NULL,
    -- The wish that it was taken for; 0 = taken always.
    session   UBIGINT NOT NULL,
    -- The time that a sample stands for.
    period_ns UBIGINT NOT NULL,
    -- Of the program that ran.
    build     VARCHAR NOT NULL,
    stack     UBIGINT NOT NULL,
    -- How its walk ended.
    stack_end UTINYINT NOT NULL,
    samples   UBIGINT NOT NULL
);
CREATE TABLE profile_1m AS SELECT * FROM profile LIMIT 0;
CREATE TABLE profile_1h AS SELECT * FROM profile LIMIT 0;

CREATE TABLE stack (
    id     UBIGINT NOT NULL,
    at_ns  BIGINT NOT NULL,
    thread VARCHAR NOT NULL,
    -- From the outermost frame to the innermost: file and address, eight bytes each, little-endian.
    frames BLOB NOT NULL
);

CREATE TABLE binary_file (
    id      UBIGINT NOT NULL,
    at_ns   BIGINT NOT NULL,
    build   VARCHAR NOT NULL,
    path    VARCHAR NOT NULL,
    -- What would make its names better.
    missing VARCHAR
);

CREATE TABLE symbol (
    file      UBIGINT NOT NULL,
    address   UBIGINT NOT NULL,
    at_ns     BIGINT NOT NULL,
    -- JSON: from the outermost to the innermost inlined function, [name, file, line] each.
    functions VARCHAR NOT NULL
);
