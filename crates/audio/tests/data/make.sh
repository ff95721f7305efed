#!/usr/bin/env bash
# Makes the recordings of this folder again, from tones and noise, and beside each lossy one what an
# independent decoder makes of it (raw 16-bit samples, least significant byte first).
# Needs: apt-get install sox libsox-fmt-all ffmpeg flac lame opus-tools vorbis-tools
# Encoders of other versions may give other bytes; the tests hold for those too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
quiet=(-hide_banner -loglevel error -y -bitexact)

# 0.4 s of stereo at 8 kHz: a sweep on the left, a tone in noise on the right.
sox -R -n -r 8000 -b 16 "$scratch/left.wav" synth 0.4 sine 300-3000 gain -6
sox -R -n -r 8000 -b 16 "$scratch/tone.wav" synth 0.4 sine 440 gain -9
sox -R -n -r 8000 -b 16 "$scratch/noise.wav" synth 0.4 pinknoise gain -25
sox -R -m "$scratch/tone.wav" "$scratch/noise.wav" -b 16 "$scratch/right.wav"
sox -R -M "$scratch/left.wav" "$scratch/right.wav" -b 16 "$scratch/stereo.wav"
sox "$scratch/stereo.wav" -t s16 -L stereo.s16
sox "$scratch/left.wav" -t s16 -L mono.s16
stereo=(-f s16le -ar 8000 -ac 2 -i stereo.s16)
mono=(-f s16le -ar 8000 -ac 1 -i mono.s16)

# Lossless: stereo.s16 or mono.s16 is what must come out.
raw=(-t s16 -L -r 8000 -c 2 stereo.s16)
sox -D "${raw[@]}" -b 16 pcm16.wav
sox -D "${raw[@]}" -b 24 pcm24.wav
sox -D "${raw[@]}" -b 32 pcm32.wav
sox -D "${raw[@]}" -e float -b 32 float32.wav
sox -D -t s16 -L -r 8000 -c 1 mono.s16 -e float -b 64 float64.wav
sox -D "${raw[@]}" pcm16.aiff
flac --silent --force --endian=little --sign=signed --channels=2 --bps=16 --sample-rate=8000 \
    --output-name=flac16.flac stereo.s16
ffmpeg "${quiet[@]}" "${mono[@]}" -f flac - | cat >streamed.flac
ffmpeg "${quiet[@]}" "${mono[@]}" -f wav - | cat >streamed.wav
ffmpeg "${quiet[@]}" "${mono[@]}" -rf64 always -f wav rf64.wav
ffmpeg "${quiet[@]}" "${stereo[@]}" -c:a pcm_s24le extensible24.wav
sox -D -t s16 -L -r 8000 -c 1 mono.s16 -e unsigned -b 8 pcm8.wav

decoded() { # file, decoder options...: the reference beside it
    local file=$1
    shift
    ffmpeg "${quiet[@]}" "$@" -i "$file" -f s16le -c:a pcm_s16le "${file%.*}.s16"
}

# Telephone codecs. sox writes GSM by libgsm; ffmpeg's own decoder is another one.
sox -D "${raw[@]}" -e a-law alaw.wav && sox alaw.wav -t s16 -L alaw.s16
sox -D "${raw[@]}" -e mu-law mulaw.wav && sox mulaw.wav -t s16 -L mulaw.s16
sox -D -t s16 -L -r 8000 -c 1 mono.s16 -e gsm-full-rate gsm.wav && decoded gsm.wav -c:a gsm_ms
sox -D -t s16 -L -r 8000 -c 1 mono.s16 -t gsm gsm_frames.gsm
ffmpeg "${quiet[@]}" -f gsm -c:a gsm -i gsm_frames.gsm -f s16le gsm_frames.s16
sox -D -t s16 -L -r 8000 -c 1 mono.s16 -e ima-adpcm ima.wav && decoded ima.wav
sox -D -t s16 -L -r 8000 -c 1 mono.s16 -e ms-adpcm msadpcm.wav && decoded msadpcm.wav

# Music codecs, by ffmpeg's own decoders (not libvorbis or lame, and not libopus but for one).
lame --quiet -r -s 8 -m m --bitwidth 16 --signed --little-endian -b 16 mono.s16 mono8k.mp3 && decoded mono8k.mp3
sox -D "${raw[@]}" -r 44100 "$scratch/stereo44.wav" trim 0 0.2
lame --quiet -V 4 -m s --add-id3v2 --tt "a title" "$scratch/stereo44.wav" stereo44k.mp3 && decoded stereo44k.mp3
lame --quiet -t -V 6 -m m "$scratch/stereo44.wav" untagged.mp3 && decoded untagged.mp3
ffmpeg "${quiet[@]}" -i "$scratch/stereo44.wav" -ac 1 -ar 16000 -c:a libmp3lame -b:a 32k mp3.wav && decoded mp3.wav
oggenc --quiet --serial 1 --output=vorbis.ogg "$scratch/stereo44.wav" && decoded vorbis.ogg -c:a vorbis
opusenc --quiet --serial 1 --music --bitrate 48 "$scratch/stereo44.wav" opus_stereo.ogg && decoded opus_stereo.ogg -c:a opus
# In speech mode decoders may resample as they like, so the reference is libopus', read by ffmpeg.
opusenc --quiet --serial 1 --speech --bitrate 20 "$scratch/left.wav" opus_mono.ogg && decoded opus_mono.ogg -c:a libopus
