//! The tables as diesel sees them; `migrations/` makes them. Types that PostgreSQL has too.

diesel::table! {
    tenants (tenant_id) {
        tenant_id -> Text,
        created_at -> BigInt,
        audit_count -> BigInt,
        audit_head -> Binary,
    }
}

diesel::table! {
    counters (name) {
        name -> Text,
        next_value -> BigInt,
    }
}

diesel::table! {
    subjects (subject_id) {
        subject_id -> Text,
        tenant_id -> Text,
    }
}

diesel::table! {
    voiceprints (voiceprint_id) {
        voiceprint_id -> BigInt,
        tenant_id -> Text,
        subject_id -> Text,
        model_id -> Text,
        net_speech_s -> Double,
        snr_db -> Double,
        clipped_fraction -> Double,
        level_dbfs -> Double,
        bandwidth_hz -> Double,
        weight -> Double,
        channel -> Nullable<Text>,
        source -> Nullable<Text>,
        created_at -> BigInt,
        key_id -> Text,
        sealed -> Binary,
    }
}

diesel::table! {
    customers (tenant_id, customer_id) {
        tenant_id -> Text,
        customer_id -> Text,
        subject_id -> Nullable<Text>,
        status -> Text,
        display_name -> Nullable<Text>,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    proxies (tenant_id, proxy_id) {
        tenant_id -> Text,
        proxy_id -> Text,
        subject_id -> Text,
        label -> Text,
        legal_basis -> Text,
        note -> Nullable<Text>,
        source_call_id -> Nullable<Text>,
        created_by -> Text,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    calls (tenant_id, call_id) {
        tenant_id -> Text,
        call_id -> Text,
        customer_id -> Nullable<Text>,
        caller_number -> Nullable<Text>,
        agent -> Nullable<Text>,
        encoding -> Text,
        channel -> Nullable<Text>,
        started_at -> BigInt,
        last_sequence -> BigInt,
        finished_at -> Nullable<BigInt>,
        duration_s -> Nullable<Double>,
        verdict -> Nullable<Text>,
        subject_id -> Nullable<Text>,
        scene -> Nullable<Text>,
    }
}

diesel::table! {
    call_updates (tenant_id, call_id, sequence) {
        tenant_id -> Text,
        call_id -> Text,
        sequence -> BigInt,
        made_at -> BigInt,
        net_speech_s -> Double,
        audio_position_s -> Double,
        snr_db -> Nullable<Double>,
        clipped_fraction -> Nullable<Double>,
        level_dbfs -> Nullable<Double>,
        bandwidth_hz -> Nullable<Double>,
        warnings -> Text,
        customer_llr -> Nullable<Double>,
        customer_state -> Nullable<Text>,
        posterior_customer -> Nullable<Double>,
        posterior_proxy -> Nullable<Double>,
        posterior_other -> Nullable<Double>,
        verdict -> Text,
        risk -> Text,
        reasons -> Text,
        compute_ms -> Double,
        calibration_id -> Text,
        model_id -> Text,
        speaker -> BigInt,
        excerpts -> Text,
        call_position_s -> Nullable<Double>,
    }
}

diesel::table! {
    call_update_proxies (tenant_id, call_id, sequence, place) {
        tenant_id -> Text,
        call_id -> Text,
        sequence -> BigInt,
        place -> BigInt,
        proxy_id -> Text,
        llr -> Double,
        posterior -> Double,
    }
}

diesel::table! {
    call_outcomes (tenant_id, call_id, place) {
        tenant_id -> Text,
        call_id -> Text,
        place -> BigInt,
        outcome -> Text,
        proxy_id -> Nullable<Text>,
        note -> Nullable<Text>,
        reported_by -> Text,
        reported_at -> BigInt,
    }
}

diesel::table! {
    requests (tenant_id, request_id) {
        tenant_id -> Text,
        request_id -> Text,
        digest -> Binary,
        kind -> Text,
        object_id -> Text,
        added -> Text,
        removed -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    audit (tenant_id, sequence) {
        tenant_id -> Text,
        sequence -> BigInt,
        at -> BigInt,
        actor -> Text,
        action -> Text,
        object_id -> Text,
        detail -> Text,
        hash -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(calls, call_updates, call_update_proxies);
