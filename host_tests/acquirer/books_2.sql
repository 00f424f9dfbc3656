-- The acquirer's books as version 2 laid them out.
CREATE TABLE merchants (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    names TEXT NOT NULL,                -- JSON list: the account names the merchant may use
    licence TEXT NOT NULL,
    review INTEGER NOT NULL DEFAULT 0,  -- changes wait for a decision
    cvv2 INTEGER NOT NULL DEFAULT 0     -- CVV2 wanted with a card
);
CREATE TABLE terminals (
    id INTEGER PRIMARY KEY,
    number TEXT NOT NULL UNIQUE,
    merchant INTEGER NOT NULL REFERENCES merchants,
    former_merchant TEXT,               -- numbers still in use after the merchant got a new one
    serial TEXT NOT NULL,
    ikid BLOB NOT NULL,                 -- the current one; older ones stay in initial_keys
    token_key BLOB NOT NULL,            -- sealed
    service_key BLOB NOT NULL,          -- sealed
    code_secret BLOB NOT NULL,          -- sealed
    records_wanted INTEGER NOT NULL DEFAULT 0,
    log INTEGER NOT NULL DEFAULT 1,     -- which of its audit logs a terminal is writing
    log_may_restart INTEGER NOT NULL DEFAULT 0,
    enrolled_at INTEGER NOT NULL,
    last_step INTEGER NOT NULL DEFAULT 0,   -- of the owner's last right code: spent, as all before
    wrong_codes INTEGER NOT NULL DEFAULT 0  -- in a row
);
CREATE TABLE initial_keys (
    ikid BLOB PRIMARY KEY,
    terminal INTEGER NOT NULL REFERENCES terminals,
    counter INTEGER NOT NULL DEFAULT 0  -- the last one seen with a right MAC
);
CREATE TABLE bindings (
    id INTEGER PRIMARY KEY,
    terminal INTEGER NOT NULL REFERENCES terminals,
    slot INTEGER NOT NULL,
    tlvs BLOB NOT NULL,                 -- DF30-DF37 ascending, sealed
    token BLOB NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER,                      -- NULL: current
    application INTEGER REFERENCES applications
);
CREATE UNIQUE INDEX one_binding_a_slot ON bindings (terminal, slot) WHERE until IS NULL;
CREATE TABLE applications (
    id INTEGER PRIMARY KEY,
    terminal INTEGER NOT NULL REFERENCES terminals,
    uuid BLOB NOT NULL,
    number TEXT NOT NULL UNIQUE,        -- DF43
    reference TEXT NOT NULL UNIQUE,     -- DE 37
    merchant TEXT NOT NULL,             -- as in DE 42
    action INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    reason INTEGER NOT NULL,
    operator TEXT NOT NULL,
    supervisor TEXT,
    serial TEXT NOT NULL,
    location TEXT,
    replaced TEXT,                      -- DE 102
    shown TEXT NOT NULL,                -- JSON, masked
    proposal BLOB,                      -- sealed; only while under review
    status INTEGER NOT NULL,
    code TEXT NOT NULL,
    message TEXT,                       -- DF41
    token BLOB,                         -- of the binding it made
    code_day TEXT,                      -- the day on which it reached the one-time-code check
    created_at INTEGER NOT NULL,
    settled_at INTEGER,
    told INTEGER NOT NULL DEFAULT 0,    -- the terminal was answered with the final state
    UNIQUE (terminal, uuid)
);
CREATE UNIQUE INDEX one_pending ON applications (terminal) WHERE status = 2;
CREATE INDEX by_day ON applications (terminal, code_day);
CREATE TABLE records (
    terminal INTEGER NOT NULL REFERENCES terminals,
    log INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event INTEGER NOT NULL,
    operator TEXT NOT NULL,
    outcome TEXT NOT NULL,
    chain BLOB NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (terminal, log, sequence)
) WITHOUT ROWID;
CREATE TABLE gaps (
    terminal INTEGER NOT NULL REFERENCES terminals,
    log INTEGER NOT NULL,
    first INTEGER NOT NULL,             -- records that the terminal has lost
    last INTEGER NOT NULL,
    chain BLOB NOT NULL,                -- behind the last, as the terminal says
    PRIMARY KEY (terminal, log, first)
) WITHOUT ROWID;
CREATE TABLE marks (
    terminal INTEGER NOT NULL REFERENCES terminals,
    kind TEXT NOT NULL,                 -- what came and should not have
    subject TEXT NOT NULL,              -- of which key, of which record
    detail TEXT NOT NULL,               -- in words, as it was the last time
    count INTEGER NOT NULL DEFAULT 1,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (terminal, kind, subject)
) WITHOUT ROWID;
