#!/usr/bin/env bash
# run.sh caller FOLDER AUDIO MS LOCAL_PORT RTP_PORT UUID NUMBER EXTENSION SIP_PORT
# run.sh agent FOLDER AUDIO LOCAL_PORT RTP_PORT
# Runs one of this folder's scenarios in the foreground, on loopback. AUDIO is raw G.711 mu-law. The
# process becomes sipp: a caller's ends with the call (code 0 when all went as in the scenario), the
# agent's goes on until it is stopped by its pid.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
what=$1 folder=$2 audio=$3
mkdir -p "$folder"
scenario=$folder/$what.xml

if [ "$what" = caller ]; then
    sed -e "s|@AUDIO@|$audio|" -e "s|@MS@|$4|" -e "s|@UUID@|$7|" -e "s|@NUMBER@|$8|" \
        "$here/caller.xml" >"$scenario"
    cd "$folder"
    exec sipp "127.0.0.1:${10}" -sf "$scenario" -s "$9" -i 127.0.0.1 -mi 127.0.0.1 -p "$5" -mp "$6" \
        -m 1 -nostdin -trace_err -timeout 300
fi
sed -e "s|@AUDIO@|$audio|" "$here/agent.xml" >"$scenario"
cd "$folder"
exec sipp -sf "$scenario" -i 127.0.0.1 -mi 127.0.0.1 -p "$4" -mp "$5" -nostdin -trace_err
