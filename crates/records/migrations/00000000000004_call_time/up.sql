-- The call's own time of an update, which runs on over holds and lost audio. Of updates from before it
-- was kept there is none: the audio heard by then stands for it.
ALTER TABLE call_updates ADD COLUMN call_position_s DOUBLE PRECISION;

-- What a program looks for when it starts: the calls that none before it ended.
CREATE INDEX calls_unfinished ON calls (tenant_id, started_at, call_id) WHERE finished_at IS NULL;
