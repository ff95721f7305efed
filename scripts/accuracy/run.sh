#!/usr/bin/env bash
# All accuracy figures of docs/evaluation.md, from the development speech to the report pages.
#
#   scripts/accuracy/run.sh SPEECH OUT [MODEL]
#
# SPEECH is the folder of the development speech, OUT where everything goes, MODEL the speaker
# model's folder. Steps that are done are not done again: remove their folders to repeat them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
speech=$1 out=$2 model=${3:-models/campplus-phone-192}
earmark=${EARMARK:-target/release/earmark}
mkdir -p "$out"

python3 "$here/prepare.py" --speech "$speech" --out "$out"

# Calls to train on, of everybody, and calls to test on, of the adults: other noises, rooms, codec
# chains and draws.
simulate() { # name people plan seed kind
    [ -e "$out/$1/probes.csv" ] && return
    "$earmark" simulate --recordings "$out/$2.csv" --plan "$here/$3.toml" --seed "$4" \
        --noises "$out/noises-$5" --rooms "$out/rooms-$5" --out "$out/$1"
}
simulate train-calls everybody train 11 train
simulate test-calls adults test 12 test

# A back end that never heard the adults, for the figures; and the shipped one, of everybody.
python3 "$here/adapt_list.py" --calls "$out/train-calls" --people "$out/everybody.csv" --without "$out/adults.csv" --out "$out/unheard.csv"
python3 "$here/adapt_list.py" --calls "$out/train-calls" --people "$out/everybody.csv" --out "$out/heard.csv"
adapt() { # list name [candidate]
    [ -e "$out/$2/backend.toml" ] && return
    "$earmark" adapt --recordings "$out/$1.csv" --model "$model" --name "$2" --out "$out/$2" \
        --report "$out/$2.md" --sources "$here/sources.toml" ${3:+--candidate "$3"}
}
adapt heard telephone-2
# The same way of scoring, so that the choice that the adults had a part in is the only one.
chosen=$(sed -n 's/^Chosen: \*\*\(.*\)\*\*.*/\1/p' "$out/telephone-2.md")
adapt unheard telephone-unheard "$chosen"

# The tested model: the same network with the back end that never heard the adults.
tested=$out/tested-model
mkdir -p "$tested"
cp "$model"/model.toml "$model"/*.onnx "$model"/*.f32 "$tested"/ 2>/dev/null || true
rm -rf "$tested/backend" && cp -r "$out/telephone-unheard" "$tested/backend"

for seconds in 3 5 10 20; do
    "$earmark" evaluate verify --model "$tested" --peer --out "$out/verify-${seconds}s" \
        --enroll "$out/test-calls/enroll.csv" --trials "$out/test-calls/trials-${seconds}s.csv" || [ $? = 3 ]
    # Listed: half of the adults, and everybody who was trained on, to make a long list.
    for side in "" -swapped; do
        python3 "$here/fill_list.py" --watchlist "$out/test-calls/watchlist$side.csv" \
            --fill "$out/train-calls/enroll.csv" --without "$out/adults.csv" --out "$out/list$side.csv"
        "$earmark" evaluate identify --model "$tested" --peer --out "$out/identify-${seconds}s$side" \
            --watchlist "$out/list$side.csv" --probes "$out/test-calls/probes$side-${seconds}s.csv" || [ $? = 3 ]
    done
done
