#!/bin/sh
# The document's cURL: an agent is created, a call placed, a file of calls sent. One answer a line.
set -e

# Create agent
agent=$(curl -sS -X POST "$API_BASE/agents" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "name": "Customer Support Agent",
    "systemPrompt": "You are a helpful customer support agent...",
    "voice": "Rachel",
    "isActive": true
  }')
echo "$agent"
AGENT_ID=$(echo "$agent" | sed 's/.*"_id":"\([^"]*\)".*/\1/')

# Initiate call
curl -sS -X POST "$API_BASE/calls/outbound" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "toPhone": "'"$TO_PHONE"'",
    "agentId": "'"$AGENT_ID"'",
    "priority": "high"
  }'
echo

# Upload CSV
printf 'phoneNumber,agentId,userId,scheduledFor,timezone,priority\n%s,%s,,,,normal\n' \
  "$TO_PHONE" "$AGENT_ID" > contacts.csv
curl -sS -X POST "$API_BASE/bulk/import" \
  -H "Authorization: Bearer $TOKEN" \
  -F "file=@contacts.csv" \
  -F "skipHeader=true"
echo
