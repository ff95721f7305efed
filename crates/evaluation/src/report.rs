//! Report pages and charts: one file each, nothing loaded from elsewhere, every string from outside
//! escaped. Chinese first, English beside.

mod bars;
mod calibration;
mod calls;
mod det;
mod glossary;
mod identify;
mod notes;
mod page;
mod svg;
mod tag_tables;
mod text;
mod tpir;
mod verify;

pub(crate) use calibration::calibration_chart;
pub(crate) use calls::calls_page;
pub(crate) use det::det_chart;
pub(crate) use identify::identify_page;
pub(crate) use notes::{calls_warnings, identify_warnings, verify_warnings};
pub(crate) use tpir::tpir_chart;
pub(crate) use verify::verify_page;
