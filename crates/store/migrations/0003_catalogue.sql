-- Which version of a brand's catalogue readers see. Importing writes another version beside it; one update of
-- this row swaps them.
CREATE TABLE catalogue (
    brand TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    source TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    product_count BIGINT NOT NULL
);

-- The newest version that anybody began to write, and until when its writer counts as alive: zero once it
-- ended. The row stays, so that no version is given twice.
CREATE TABLE catalogue_import (
    brand TEXT NOT NULL PRIMARY KEY,
    version BIGINT NOT NULL,
    alive_until BIGINT NOT NULL
);

CREATE TABLE product (
    brand TEXT NOT NULL,
    version BIGINT NOT NULL,
    -- Its place in the feed, from 0.
    number BIGINT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (brand, version, number),
    UNIQUE (brand, version, id)
);

-- The inverted index, packed by the domain. Terms are bytes: both databases then order them alike, whatever
-- the locale, and a range of them is everything that begins alike.
CREATE TABLE product_term (
    brand TEXT NOT NULL,
    version BIGINT NOT NULL,
    term BYTEA NOT NULL,
    postings BYTEA NOT NULL,
    PRIMARY KEY (brand, version, term)
);
