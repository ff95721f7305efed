-- What an agent's page asks for: the agent's calls, the latest first.
CREATE INDEX calls_by_agent ON calls (tenant_id, agent, started_at, call_id);
