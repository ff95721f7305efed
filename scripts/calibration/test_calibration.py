"""Tests of the calibration scripts; no development speech needed:
`$(scripts/calibration/setup.sh) -m unittest discover -s scripts/calibration`."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
import soundfile as sf

import backend
import bundle
import calibrate
import channel
import curves
import metrics
import phone_codecs
import report
import trials
from prints import Print
from simulate_calls import generator, make, plan
from trials import People, Trials
from voices import join, read_speakers, speech_mask


def voice_like(seconds: float, pitch: float, seed: int) -> np.ndarray:
    """Bursts of harmonics, 16 kHz: enough of a voice for codecs and masks."""
    t = np.arange(int(seconds * channel.WIDE)) / channel.WIDE
    rng = np.random.default_rng(seed)
    tone = sum(np.sin(2 * np.pi * pitch * k * t + rng.uniform(0, 6)) / k for k in range(1, 20))
    return 0.1 * tone * (np.sin(2 * np.pi * 0.8 * t) > -0.5)


class FakeSpeech(unittest.TestCase):
    """A folder laid out as the development speech is, with invented voices."""

    def setUp(self) -> None:
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.speech, self.out = Path(self.scratch.name) / "speech", Path(self.scratch.name) / "out"
        (self.speech / "noise").mkdir(parents=True)
        self.out.mkdir()
        rng = np.random.default_rng(1)
        sf.write(self.speech / "noise" / "fan.flac", 0.1 * rng.standard_normal(30000), channel.WIDE)
        sf.write(self.speech / "noise" / "hall.flac", np.r_[0.9, 0.3 * rng.standard_normal(3000) * 0.999 ** np.arange(3000)].clip(-1, 1), channel.WIDE)
        (self.speech / "noise" / "manifest.csv").write_text("path,kind,seconds,licence\nfan.flac,noise,2,x\nhall.flac,rir,1,x\n")
        rows = ["path,set,speaker,session,seconds,gender,language,use"]
        for speaker, pitch in (("a", 110.0), ("b", 210.0)):
            for i in range(4):
                sf.write(self.speech / f"{speaker}{i}.flac", voice_like(3, pitch, i), channel.WIDE)
                rows.append(f"{speaker}{i}.flac,dspspeech,x:{speaker},s{i % 2},3,f,zh,dev")
        (self.speech / "manifest.csv").write_text("\n".join(rows) + "\n")

    def test_the_same_seed_gives_the_same_call(self) -> None:
        order = plan(read_speakers(self.speech))[0]
        calls = []
        for seed in (1, 1, 2):
            about = make(order, self.speech, self.out, seed)
            calls.append((about, (self.out / about["recording"]).read_bytes()))
        self.assertEqual(calls[0], calls[1])
        self.assertNotEqual(calls[0][0]["channel"], calls[2][0]["channel"])
        self.assertNotEqual(calls[0][1], calls[2][1])

    def test_halves_never_share_a_session(self) -> None:
        for speaker in read_speakers(self.speech):
            first, second = speaker.halves()
            self.assertEqual({c.session for c in first}, {"s0"})
            self.assertEqual({c.session for c in second}, {"s1"})

    def test_joined_speech_is_as_long_as_asked(self) -> None:
        clips = list(read_speakers(self.speech)[0].clips)
        samples, mask, net, used = join(self.speech, clips, 4.0, np.random.default_rng(1))
        self.assertAlmostEqual(net, 4.0, delta=0.05)
        self.assertAlmostEqual(mask.sum() / channel.WIDE, net, places=6)
        self.assertEqual(len(samples), len(mask))
        self.assertEqual(len(set(used)), len(used))

    def test_noise_is_as_loud_as_drawn(self) -> None:
        around = channel.Surroundings(self.speech)
        speech = voice_like(4, 150, 1)
        mask = speech_mask(speech)
        flat = {"low_cut_hz": 1e-3, "high_cut_hz": 1e6, "tilt_db_per_octave": 0, "resonances": [], "room": "none", "noise": "pink", "snr_db": 15.0}
        flat |= {"level_dbfs": -20.0, "overdrive_db": 0.0, "codec": "alaw", "tandem": False, "loss": 0.0}
        clean = channel.apply(speech, mask, flat | {"snr_db": 90.0}, around, np.random.default_rng(1))
        noisy = channel.apply(speech, mask, flat, around, np.random.default_rng(1))
        active = mask[::2]
        self.assertAlmostEqual(20 * np.log10(np.std(noisy[active])), -20.0, delta=0.3)
        # The level is set after the noise was added, so the clean call is scaled to the noisy one.
        scale = (clean @ noisy) / (clean @ clean)
        noise = noisy - scale * clean
        measured = 20 * np.log10(scale * np.std(clean[active]) / np.std(noise))
        self.assertAlmostEqual(measured, 15.0, delta=1.5)

    def test_lost_packets_are_as_many_as_drawn(self) -> None:
        line = np.sin(np.arange(8000 * 60) * 0.3)
        out = channel._lose_packets(line, {"loss": 0.05, "loss_burst": 2.0}, np.random.default_rng(1))
        frames = (line != out).reshape(-1, channel.FRAME).any(axis=1)
        self.assertAlmostEqual(frames.mean(), 0.05, delta=0.015)


class Codecs(unittest.TestCase):
    def test_g711_tables_are_those_of_sox(self) -> None:
        for law, kind in (("alaw", "al"), ("ulaw", "ul")):
            command = ["sox", "-t", kind, "-r", "8000", "-c", "1", "-", "-t", "s16", "-"]
            linear = subprocess.run(command, input=bytes(range(256)), capture_output=True, check=True).stdout
            np.testing.assert_array_equal(np.frombuffer(linear, "<i2"), phone_codecs.TABLES[law])

    def test_g711_takes_the_nearest_value(self) -> None:
        x = np.linspace(-0.9, 0.9, 1001)
        for law in ("alaw", "ulaw"):
            y = phone_codecs.g711(x, law)
            values = phone_codecs.TABLES[law] / 32768
            np.testing.assert_allclose(abs(y - x), abs(values[None] - x[:, None]).min(axis=1), atol=1e-12)

    def test_gsm_and_amr_keep_time_and_voice(self) -> None:
        x = voice_like(3, 140, 1)[::2]
        for name, y in [("gsm", phone_codecs.gsm(x)), *((f"amr {k}", phone_codecs.amr(x, k)) for k in phone_codecs.AMR_KBPS)]:
            self.assertEqual(len(y), len(x), name)
            self.assertFalse(np.array_equal(x, y), name)
            # Energies in 20 ms agree where the codec's delay was taken off.
            energy = [np.sqrt(np.mean(v.reshape(-1, 160) ** 2, axis=1)) for v in (x, y)]
            self.assertGreater(np.corrcoef(*energy)[0, 1], 0.95, name)


class Metrics(unittest.TestCase):
    def test_hand_worked(self) -> None:
        tar, non = np.array([1.0, 3.0, 4.0, 5.0]), np.array([-1.0, 0.0, 2.0, -2.0])
        # Between 1 and 2 one of four is wrong on each side.
        self.assertAlmostEqual(metrics.eer(tar, non), 0.25)
        self.assertAlmostEqual(metrics.cllr(np.zeros(2), np.zeros(3)), 1.0)
        # Best at the threshold 3: one miss of four, no false match; normalized by the prior.
        self.assertAlmostEqual(metrics.dcf(tar, non, 0.01)[0], 0.25)
        # ln 99 = 4.6 leaves one target above: three of four missed.
        self.assertAlmostEqual(metrics.dcf(tar, non, 0.01)[1], 0.75)

    def test_perfect_separation_costs_nothing(self) -> None:
        tar, non = np.array([2.0, 3.0]), np.array([-1.0, 0.0])
        self.assertEqual(metrics.eer(tar, non), 0.0)
        self.assertAlmostEqual(metrics.min_cllr(tar, non), 0.0)

    def test_pav_by_hand(self) -> None:
        # In order: non, tar, non, tar pools the middle two to even odds of one to one.
        tar, non = metrics.pav(np.array([1.0, 3.0]), np.array([0.0, 2.0]))
        np.testing.assert_allclose(tar, [0.0, np.inf])
        np.testing.assert_allclose(non, [-np.inf, 0.0])

    def test_true_llrs_need_no_calibration(self) -> None:
        rng = np.random.default_rng(1)
        v = 8.0
        tar, non = rng.normal(v / 2, np.sqrt(v), 20000), rng.normal(-v / 2, np.sqrt(v), 20000)
        self.assertLess(metrics.cllr(tar, non) - metrics.min_cllr(tar, non), 0.003)
        self.assertAlmostEqual(metrics.eer(tar, non), 0.0786, delta=0.004)  # Phi(-sqrt(8)/2)


def invented_trials(count: int, seed: int) -> tuple[Trials, np.ndarray]:
    """Cosines whose true LLR is known: slope and offset follow the probe's speech."""
    rng = np.random.default_rng(seed)
    target = rng.random(count) < 0.3
    seconds = np.exp(rng.uniform(np.log(3), np.log(20), count))
    variance = 4.0 * np.log(seconds)
    llr = rng.normal(np.where(target, variance / 2, -variance / 2), np.sqrt(variance))
    cosine = (llr + 6 + variance / 2) / 25
    ones, zeros = np.ones(count), np.zeros(count, int)
    fields = dict(cosine=cosine, target=target, enrolled=zeros, probe=zeros, model=zeros, call=zeros)
    fields |= dict(probe_speech=seconds, enrolled_speech=24 * ones, enrolled_recordings=ones, probe_snr=15 * ones, enrolled_snr=15 * ones)
    return Trials(**fields), llr


class Calibrating(unittest.TestCase):
    def test_finds_the_true_llr(self) -> None:
        training, _ = invented_trials(60000, 1)
        test, truth = invented_trials(5000, 2)
        error = calibrate.fit(training)(test) - truth
        self.assertLess(np.abs(error).mean(), 0.25)

    def test_limits_are_what_the_numbers_bear_out(self) -> None:
        t, _ = invented_trials(2000, 1)
        fitted = calibrate.fit(t)
        self.assertAlmostEqual(fitted.llr_min, -np.log(t.target.sum()), places=5)
        self.assertAlmostEqual(fitted.llr_max, np.log((~t.target).sum()), places=5)

    def test_the_tail_stands_on_thirty_errors_and_on_the_worst_group(self) -> None:
        # 10 % at 1, 0.3 % at 2, then on by that slope although two values lie beyond.
        hard = np.concatenate([np.full(9000, 0.5), np.full(970, 1.5), np.full(28, 2.5), [3.5, 3.5]])
        easy = np.concatenate([np.full(9900, 0.5), np.full(100, 1.5)])
        points = dict(curves.curve([hard, easy]))
        for llr, rate in ((0.0, 1.0), (1.0, 0.1), (2.0, 0.003), (3.0, 0.00009), (4.0, 0.0000027)):
            self.assertAlmostEqual(points[llr] / rate, 1.0, places=3)
        # The easy group is the worse one where its last slope carries it further.
        slow = np.concatenate([np.full(9900, 0.5), np.full(50, 1.5), np.full(50, 2.5)])
        self.assertGreater(dict(curves.curve([hard, slow]))[4.0], points[4.0])

    def test_thresholds_by_a_curve(self) -> None:
        self.assertAlmostEqual(report.llr_for([(0.0, 0.1), (2.0, 0.001)], 0.01), 1.0)
        self.assertAlmostEqual(report.llr_for([(0.0, 0.1), (2.0, 0.001)], 1e-5), 4.0)


class BackEnds(unittest.TestCase):
    def setUp(self) -> None:
        rng = np.random.default_rng(1)
        self.calls, self.prints = [], []
        channel_direction = backend.unit(rng.standard_normal(16))
        for i in range(30):
            voice = rng.standard_normal(16)
            for j in range(8):
                side = "enroll" if j % 2 else "probe"
                call = {"recording": f"{i}-{j}", "speaker": f"s{i:02}", "set": "x", "role": "report", "half": j // 4, "side": side, "seconds": 10}
                vector = voice + 3 * rng.standard_normal() * channel_direction + 0.3 * rng.standard_normal(16) + 1.0
                self.calls.append(call)
                self.prints.append(Print(backend.unit(vector), 10.0, 15.0, 0.0, call))

    def scores(self, back_end: backend.BackEnd) -> Trials:
        people = People(self.calls)
        probes = [p for p in self.prints if p.call["side"] == "probe"]
        return trials.make(people, trials.enrollments(self.prints), probes, back_end, lambda e, p: (e >= 0) & (p >= 0))

    def test_whitening_takes_the_channel_away(self) -> None:
        eers = []
        for whiten in (False, True):
            t = self.scores(backend.fit(self.prints, whiten))
            eers.append(metrics.eer(t.cosine[t.target], t.cosine[~t.target]))
        self.assertLess(eers[1], 0.6 * eers[0])

    def test_no_trial_within_a_half(self) -> None:
        t = self.scores(backend.fit(self.prints))
        # Two enrollment calls a half give three enrollments; two test calls in the other half.
        self.assertEqual(int(t.target.sum()), 30 * 2 * 3 * 2)
        self.assertEqual(int((~t.target).sum()), 30 * 29 * 6 * 4)

    def test_the_same_fit_writes_the_same_bytes(self) -> None:
        t = self.scores(backend.fit(self.prints))
        written = []
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                curve = [(0.0, 0.1), (1.0, 0.01)]
                bundle.write(Path(folder), "toy", "toy/0", "a test", backend.fit(self.prints), calibrate.fit(t), {"false_matches": curve, "live_false_matches": curve})
                written.append({p.name: p.read_bytes() for p in Path(folder).iterdir()})
        self.assertEqual(written[0], written[1])
        self.assertEqual(set(written[0]), {"backend.toml", "mean.f32", "projection.f32"})


class Seeds(unittest.TestCase):
    def test_calls_have_generators_of_their_own(self) -> None:
        draws = {generator(seed, name).integers(1 << 60) for seed in (1, 2) for name in ("a", "b")}
        self.assertEqual(len(draws), 4)


if __name__ == "__main__":
    unittest.main()
