//! The little of the ONNX format that is needed to read a network's weights.
//!
//! Field numbers are those of `onnx.proto3` (ONNX IR version 8); all other fields are skipped.

use std::collections::HashMap;

use prost::Message;

#[derive(Message)]
struct ModelProto {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
}

#[derive(Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
}

#[derive(Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "vec", tag = "9")]
    raw_data: Vec<u8>,
}

/// `TensorProto.DataType.FLOAT`.
const FLOAT: i32 = 1;

/// The float32 weights of an ONNX file, by name.
pub(super) struct Weights(HashMap<String, TensorProto>);

impl Weights {
    /// Reads the bytes of an ONNX file.
    pub(super) fn read(onnx: &[u8]) -> Result<Self, String> {
        let model = ModelProto::decode(onnx).map_err(|e| format!("it is no ONNX file: {e}"))?;
        let tensors = model.graph.unwrap_or_default().initializer;
        Ok(Self(tensors.into_iter().map(|tensor| (tensor.name.clone(), tensor)).collect()))
    }

    /// The numbers of the tensor `name`, which must have the shape `dims`.
    pub(super) fn take(&mut self, name: &str, dims: &[i64]) -> Result<Vec<f32>, String> {
        let tensor = self.0.remove(name).ok_or_else(|| format!("it has no weights {name}"))?;
        if tensor.dims != dims || tensor.data_type != FLOAT {
            return Err(format!("its weights {name} have shape {:?}, not float32 {dims:?}", tensor.dims));
        }
        let (values, rest) = tensor.raw_data.as_chunks::<4>();
        let count: i64 = dims.iter().product();
        if !rest.is_empty() || i64::try_from(values.len()) != Ok(count) {
            return Err(format!("its weights {name} are {} bytes long", tensor.raw_data.len()));
        }
        Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn onnx(dims: &[i64], raw_data: &[u8]) -> Vec<u8> {
        let tensor = TensorProto {
            dims: dims.to_vec(),
            data_type: FLOAT,
            name: "w".into(),
            raw_data: raw_data.to_vec(),
        };
        ModelProto { graph: Some(GraphProto { initializer: vec![tensor] }) }.encode_to_vec()
    }

    #[test]
    fn gives_numbers_of_the_shape_asked_for_and_nothing_else() {
        let raw: Vec<u8> = [1.5f32, -2.0].iter().flat_map(|v| v.to_le_bytes()).collect();
        let good = onnx(&[2, 1], &raw);
        let take = |bytes: &[u8], name: &str, dims: &[i64]| Weights::read(bytes)?.take(name, dims);
        assert_eq!(take(&good, "w", &[2, 1]), Ok(vec![1.5, -2.0]));
        assert!(take(&good, "v", &[2, 1]).unwrap_err().contains("no weights v"));
        assert!(take(&good, "w", &[1, 2]).unwrap_err().contains("shape [2, 1]"));
        assert!(take(&onnx(&[2, 1], &raw[1..]), "w", &[2, 1]).unwrap_err().contains("7 bytes"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(mut weights) = Weights::read(&bytes) {
                prop_assert!(weights.take("w", &[1]).is_err() || bytes.len() > 8);
            }
        }
    }
}
