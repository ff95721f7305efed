//! G.711 mu-law (ITU-T G.711, table 2a), as a telephone line codes it.

/// The code of a 16 bit sample.
fn mu_law(sample: i16) -> u8 {
    const BIAS: i32 = 0x84;
    const CLIP: i32 = 32_635;
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = i32::from(sample).abs().min(CLIP) + BIAS;
    // The segment is the place of the highest bit; bit 7 is the lowest that can be it.
    let segment = 31 - magnitude.leading_zeros() - 7;
    let step = (magnitude >> (segment + 3)) & 0x0f;
    !(sign | (segment << 4) as u8 | step as u8)
}

/// The 16 bit sample of a code.
fn linear(code: u8) -> i16 {
    let code = !code;
    let segment = (code >> 4) & 7;
    let magnitude = (((i32::from(code & 0x0f) << 3) + 0x84) << segment) - 0x84;
    let signed = if code & 0x80 != 0 { -magnitude } else { magnitude };
    i16::try_from(signed).expect("14 bits")
}

pub(crate) fn encode(samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|sample| mu_law(*sample)).collect()
}

pub(crate) fn decode(codes: &[u8]) -> Vec<i16> {
    codes.iter().map(|code| linear(*code)).collect()
}

#[test]
fn every_code_is_the_code_of_its_sample() {
    // 0x7f is the other zero.
    for code in (0..=255).filter(|code| *code != 0x7f) {
        assert_eq!(mu_law(linear(code)), code);
    }
}
