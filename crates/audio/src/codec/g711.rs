//! ITU-T G.711 (11/1988), tables 1 and 2, as 16-bit linear values over 32,768.
//!
//! A-law has 13-bit and mu-law 14-bit linear values; both are scaled to 16 bits as ITU-T G.191's
//! reference does (A-law times 8, mu-law times 4), so that full scale is 32,256 and 32,124.

/// What each A-law octet decodes to.
pub(super) static ALAW: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut octet = 0;
    while octet < 256 {
        values[octet] = alaw(octet as u8) as f32 / 32_768.0;
        octet += 1;
    }
    values
};

/// What each mu-law octet decodes to.
pub(super) static MULAW: [f32; 256] = {
    let mut values = [0.0; 256];
    let mut octet = 0;
    while octet < 256 {
        values[octet] = mulaw(octet as u8) as f32 / 32_768.0;
        octet += 1;
    }
    values
};

/// Even bits are inverted on the line; the sign bit is 1 for positive values.
const fn alaw(octet: u8) -> i32 {
    let code = octet ^ 0x55;
    let segment = (code >> 4) & 0x07;
    // The middle of the quantizer's step: half a step above its lower edge.
    let step = ((code & 0x0f) as i32) * 2 + 1;
    let magnitude = if segment == 0 { step } else { (step + 32) << (segment - 1) };
    let linear = magnitude * 8;
    if code & 0x80 != 0 { linear } else { -linear }
}

/// All bits are inverted on the line; after that the sign bit is 1 for negative values.
const fn mulaw(octet: u8) -> i32 {
    let code = !octet;
    let segment = (code >> 4) & 0x07;
    let step = ((code & 0x0f) as i32) * 2 + 33;
    let linear = ((step << segment) - 33) * 4;
    if code & 0x80 != 0 { -linear } else { linear }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The decision and output values as G.711's tables list them: for A-law segment by segment the
    /// first output value and the step, in units of the 13-bit table times 8.
    fn alaw_by_table(octet: u8) -> f32 {
        // Table 1a: output value y_n of each segment's first interval and the step, at 4,096 full scale.
        const FIRST_AND_STEP: [(f32, f32); 8] = [
            (1.0, 2.0),
            (33.0, 2.0),
            (66.0, 4.0),
            (132.0, 8.0),
            (264.0, 16.0),
            (528.0, 32.0),
            (1056.0, 64.0),
            (2112.0, 128.0),
        ];
        let code = octet ^ 0b0101_0101;
        let (first, step) = FIRST_AND_STEP[usize::from(code % 128 / 16)];
        let value = first + step * f32::from(code % 16);
        if code >= 128 { value / 4096.0 } else { -value / 4096.0 }
    }

    /// Table 2a: values 0, 2, 4, .. 30 in the first segment, then 33, 37, .. 93 and so on up to 8,031,
    /// at 8,192 full scale.
    fn mulaw_by_table(octet: u8) -> f32 {
        const FIRST_AND_STEP: [(f32, f32); 8] = [
            (0.0, 2.0),
            (33.0, 4.0),
            (99.0, 8.0),
            (231.0, 16.0),
            (495.0, 32.0),
            (1023.0, 64.0),
            (2079.0, 128.0),
            (4191.0, 256.0),
        ];
        let code = octet ^ 0b1111_1111;
        let (first, step) = FIRST_AND_STEP[usize::from(code % 128 / 16)];
        let value = first + step * f32::from(code % 16);
        if code >= 128 { -value / 8192.0 } else { value / 8192.0 }
    }

    #[test]
    fn all_codes_are_the_standards() {
        for octet in 0..=255u8 {
            assert_eq!(ALAW[usize::from(octet)], alaw_by_table(octet), "a-law {octet:02x}");
            assert_eq!(MULAW[usize::from(octet)], mulaw_by_table(octet), "mu-law {octet:02x}");
        }
    }

    #[test]
    fn landmarks() {
        let linear = |value: f32| (value * 32_768.0) as i32;
        // Idle channel, and the ends of the scale.
        assert_eq!((linear(ALAW[0xd5]), linear(ALAW[0x55])), (8, -8));
        assert_eq!((linear(ALAW[0xaa]), linear(ALAW[0x2a])), (32_256, -32_256));
        assert_eq!((linear(MULAW[0xff]), linear(MULAW[0x7f])), (0, 0));
        assert_eq!((linear(MULAW[0x80]), linear(MULAW[0x00])), (32_124, -32_124));
    }
}
