use super::*;

/// A format chunk of these fields and what comes after the base ones.
fn chunk(tag: u16, channels: u16, rate: u32, block: u16, bits: u16, extension: &[u8]) -> Vec<u8> {
    let mut chunk = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    chunk.extend(rate.to_le_bytes());
    chunk.extend([0; 4]);
    chunk.extend([block.to_le_bytes(), bits.to_le_bytes()].concat());
    chunk.extend(extension);
    chunk
}

fn coding(chunk: &[u8]) -> Coding {
    WavFormat::parse(chunk).unwrap().coding
}

fn extension(tag: u16, valid_bits: u16) -> Vec<u8> {
    let mut extension = [22u16.to_le_bytes(), valid_bits.to_le_bytes()].concat();
    extension.extend([4, 0, 0, 0]);
    extension.extend(tag.to_le_bytes());
    extension.extend([0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
    extension
}

#[test]
fn tells_codings_apart() {
    assert_eq!(coding(&chunk(1, 2, 8000, 4, 16, &[])), Coding::Pcm { bytes: 2 });
    // 24 bits in 4 bytes, 12 bits in 2.
    assert_eq!(coding(&chunk(1, 1, 8000, 4, 24, &[])), Coding::Pcm { bytes: 4 });
    assert_eq!(coding(&chunk(1, 1, 8000, 2, 12, &[])), Coding::Pcm { bytes: 2 });
    assert_eq!(coding(&chunk(6, 2, 8000, 2, 8, &[0, 0])), Coding::ALaw);
    assert_eq!(coding(&chunk(7, 1, 8000, 1, 8, &[])), Coding::MuLaw);
    assert_eq!(coding(&chunk(0x31, 1, 8000, 65, 0, &[2, 0, 0x40, 1])), Coding::Gsm);
    assert_eq!(coding(&chunk(0xfffe, 1, 8000, 1, 8, &extension(6, 8))), Coding::ALaw);
    assert_eq!(coding(&chunk(0xfffe, 2, 8000, 8, 32, &extension(3, 32))), Coding::Float32);
}

#[test]
fn an_extensible_chunk_must_be_whole_and_known() {
    let short = chunk(0xfffe, 1, 8000, 2, 16, &extension(1, 16)[..20]);
    assert!(matches!(WavFormat::parse(&short), Err(AudioError::Malformed { .. })));
    let mut other = chunk(0xfffe, 1, 8000, 2, 16, &extension(1, 16));
    other[30] ^= 1;
    assert!(matches!(WavFormat::parse(&other), Err(AudioError::Unsupported { .. })));
}

#[test]
fn the_chunk_for_decoders_says_the_same() {
    for original in [
        chunk(1, 2, 44_100, 6, 24, &[]),
        chunk(6, 1, 8000, 1, 8, &[]),
        chunk(0xfffe, 2, 8000, 16, 64, &extension(3, 64)),
    ] {
        let format = WavFormat::parse(&original).unwrap();
        assert_eq!(WavFormat::parse(&format.plain_chunk()).unwrap(), format);
    }
}

#[test]
fn sizes_past_four_gibibytes_do_not_fit_a_header() {
    assert!(header(&[0; 16], u64::from(u32::MAX) - 36).is_ok());
    for data_len in [u64::from(u32::MAX) - 35, u64::from(u32::MAX) + 1] {
        assert!(matches!(header(&[0; 16], data_len), Err(AudioError::Unsupported { .. })));
    }
}
