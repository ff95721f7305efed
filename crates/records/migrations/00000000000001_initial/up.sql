-- One text for SQLite and PostgreSQL: TEXT, BIGINT, DOUBLE PRECISION, BOOLEAN and BYTEA mean the
-- same to both (SQLite keeps what it is given under any column type). Moments are milliseconds
-- since 1970 UTC. Every row is under a tenant.

CREATE TABLE tenants (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    -- The end of the tenant's audit trail: a cut trail no longer fits.
    audit_count BIGINT NOT NULL,
    audit_head BYTEA NOT NULL
);

-- Numbers that are never given out twice, also not after their rows are deleted.
CREATE TABLE counters (
    name TEXT NOT NULL PRIMARY KEY,
    next_value BIGINT NOT NULL
);
INSERT INTO counters (name, next_value) VALUES ('voiceprint', 1);

-- A random id is all that joins identity data (customers, proxies, calls) with biometrics
-- (voiceprints).
CREATE TABLE subjects (
    subject_id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id)
);

CREATE TABLE voiceprints (
    voiceprint_id BIGINT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    subject_id TEXT NOT NULL REFERENCES subjects (subject_id),
    model_id TEXT NOT NULL,
    net_speech_s DOUBLE PRECISION NOT NULL,
    snr_db DOUBLE PRECISION NOT NULL,
    clipped_fraction DOUBLE PRECISION NOT NULL,
    level_dbfs DOUBLE PRECISION NOT NULL,
    bandwidth_hz DOUBLE PRECISION NOT NULL,
    weight DOUBLE PRECISION NOT NULL,
    channel TEXT,
    source TEXT,
    created_at BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL
);
CREATE INDEX voiceprints_by_subject ON voiceprints (subject_id, voiceprint_id);
CREATE INDEX voiceprints_by_key ON voiceprints (key_id, voiceprint_id);

CREATE TABLE customers (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    customer_id TEXT NOT NULL,
    -- Only an enrolled customer has one; a new enrollment after an opt-out gets another.
    subject_id TEXT UNIQUE REFERENCES subjects (subject_id),
    status TEXT NOT NULL,
    display_name TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, customer_id)
);

CREATE TABLE proxies (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    proxy_id TEXT NOT NULL,
    subject_id TEXT NOT NULL UNIQUE REFERENCES subjects (subject_id),
    label TEXT NOT NULL,
    legal_basis TEXT NOT NULL,
    note TEXT,
    source_call_id TEXT,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (tenant_id, proxy_id)
);

CREATE TABLE calls (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    call_id TEXT NOT NULL,
    -- As claimed: not a reference, the customer may be unknown or deleted later.
    customer_id TEXT,
    caller_number TEXT,
    agent TEXT,
    encoding TEXT NOT NULL,
    channel TEXT,
    started_at BIGINT NOT NULL,
    -- The highest sequence number of its updates, -1 before the first.
    last_sequence BIGINT NOT NULL,
    finished_at BIGINT,
    duration_s DOUBLE PRECISION,
    verdict TEXT,
    subject_id TEXT UNIQUE REFERENCES subjects (subject_id),
    PRIMARY KEY (tenant_id, call_id)
);
CREATE INDEX calls_by_time ON calls (tenant_id, started_at, call_id);
CREATE INDEX calls_by_verdict ON calls (tenant_id, verdict, started_at, call_id);
CREATE INDEX calls_by_customer ON calls (tenant_id, customer_id, started_at, call_id);

CREATE TABLE call_updates (
    tenant_id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    net_speech_s DOUBLE PRECISION NOT NULL,
    audio_position_s DOUBLE PRECISION NOT NULL,
    -- All four or none: the quality of the audio so far.
    snr_db DOUBLE PRECISION,
    clipped_fraction DOUBLE PRECISION,
    level_dbfs DOUBLE PRECISION,
    bandwidth_hz DOUBLE PRECISION,
    -- Codes with a space between.
    warnings TEXT NOT NULL,
    -- Exactly one of the two: the log-likelihood ratio, or why there is none.
    customer_llr DOUBLE PRECISION,
    customer_state TEXT,
    posterior_customer DOUBLE PRECISION,
    posterior_proxy DOUBLE PRECISION,
    posterior_other DOUBLE PRECISION,
    verdict TEXT NOT NULL,
    risk TEXT NOT NULL,
    -- Codes with a space between.
    reasons TEXT NOT NULL,
    compute_ms DOUBLE PRECISION NOT NULL,
    calibration_id TEXT NOT NULL,
    model_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, call_id, sequence),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, call_id)
);

CREATE TABLE call_update_proxies (
    tenant_id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    place BIGINT NOT NULL,
    -- Not a reference: the proxy may be unlisted later.
    proxy_id TEXT NOT NULL,
    llr DOUBLE PRECISION NOT NULL,
    posterior DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant_id, call_id, sequence, place),
    FOREIGN KEY (tenant_id, call_id, sequence) REFERENCES call_updates (tenant_id, call_id, sequence)
);

CREATE TABLE call_outcomes (
    tenant_id TEXT NOT NULL,
    call_id TEXT NOT NULL,
    place BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    proxy_id TEXT,
    note TEXT,
    reported_by TEXT NOT NULL,
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, call_id, place),
    FOREIGN KEY (tenant_id, call_id) REFERENCES calls (tenant_id, call_id)
);

CREATE TABLE requests (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    request_id TEXT NOT NULL,
    digest BYTEA NOT NULL,
    kind TEXT NOT NULL,
    object_id TEXT NOT NULL,
    -- Voiceprint numbers with a space between.
    added TEXT NOT NULL,
    removed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, request_id)
);
CREATE INDEX requests_by_time ON requests (tenant_id, created_at);

CREATE TABLE audit (
    tenant_id TEXT NOT NULL REFERENCES tenants (tenant_id),
    sequence BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_id TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, sequence)
);
