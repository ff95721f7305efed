//! Report pages and charts: one file each, nothing loaded from elsewhere.
use crate::*;
pub(crate) fn det_chart(_: &VerifyResult) -> String {
    String::new()
}
pub(crate) fn calibration_chart(_: &VerifyResult) -> String {
    String::new()
}
pub(crate) fn tpir_chart(_: &IdentifyResult) -> String {
    String::new()
}
pub(crate) fn verify_page(_: &VerifyResult) -> String {
    String::new()
}
pub(crate) fn identify_page(_: &IdentifyResult) -> String {
    String::new()
}
pub(crate) fn calls_page(_: &CallsResult) -> String {
    String::new()
}
pub(crate) fn verify_warnings(_: &VerifyResult) -> Vec<String> {
    Vec::new()
}
pub(crate) fn identify_warnings(_: &IdentifyResult) -> Vec<String> {
    Vec::new()
}
pub(crate) fn calls_warnings(_: &CallsResult) -> Vec<String> {
    Vec::new()
}
