#!/usr/bin/env bash
# run.sh FOLDER SIP_PORT RTP_FIRST AGENT_PORT AUDIOSOCKET_ADDRESS
# Starts the Asterisk of scripts/setup-asterisk.sh in the foreground, with this folder's configuration,
# on loopback alone, writing only under FOLDER. This process becomes Asterisk: stop it by its pid.
# It takes calls when it has written "Asterisk Ready." to FOLDER/log/messages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
run=$(cd "$1" && pwd)
installed=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/asterisk

mkdir -p "$run"/{etc,lib,spool,run,log}
for file in "$here"/*.conf; do
    sed -e "s|@RUN@|$run|g" -e "s|@ROOT@|$installed/root|g" -e "s|@SIP@|$2|g" \
        -e "s|@RTP_FIRST@|$3|g" -e "s|@RTP_LAST@|$(($3 + 199))|g" -e "s|@AGENT@|$4|g" \
        -e "s|@AUDIOSOCKET@|$5|g" "$file" >"$run/etc/$(basename "$file")"
done
# Parts that are not used look for their files all the same.
touch "$run"/etc/{acl,ccss,cdr,cel,features,indications,manager,pjproject,queuerules,stasis,udptl}.conf
exec "$installed/asterisk" -f -vvv -C "$run/etc/asterisk.conf"
