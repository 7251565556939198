//! The picture beside the tables.

use std::{error::Error, path::Path};

use plotters::prelude::*;

use crate::{kind::Kind, plan, table::Table};

const SIZE: (u32, u32) = (960, 420);
const FAN_OUTS: [(&str, &str); 3] =
    [("10x100", "10 x 100"), ("500x4", "500 x 4"), ("1x1000", "1 x 1000")];
const KINDS: [(Kind, RGBColor); 6] = [
    (Kind::Parlor, RGBColor(0x1f, 0x77, 0xb4)),
    (Kind::Nchan, RGBColor(0x7f, 0xb0, 0x69)),
    (Kind::Centrifugo, RGBColor(0x94, 0x67, 0xbd)),
    (Kind::Gorilla, RGBColor(0x17, 0xa2, 0xb8)),
    (Kind::Ws, RGBColor(0xe0, 0xa0, 0x40)),
    (Kind::SocketIo, RGBColor(0xb0, 0x60, 0x60)),
];

/// Draws CPU a member-message over the floor's by server, and how Parlor's grows.
///
/// # Errors
/// The file cannot be written.
pub fn draw(table: &Table<'_>, file: &Path) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(file, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let (left, right) = root.split_horizontally(SIZE.0 / 2);
    let ratio = |scenario: &str, kind| {
        Some(table.ratio(scenario, kind, Kind::Floor, |outcome| outcome.cpu)?.median)
    };
    let most = FAN_OUTS
        .iter()
        .flat_map(|(scenario, _)| KINDS.map(|(kind, _)| ratio(scenario, kind)))
        .flatten();
    let top = most.fold(1.2, f64::max) * 1.35;
    let mut bars = ChartBuilder::on(&left)
        .caption("CPU a member-message, floor = 1", ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(24)
        .y_label_area_size(36)
        .build_cartesian_2d(0.0..3.0, 0.0..top)?;
    bars.configure_mesh().disable_x_mesh().x_labels(0).y_desc("").draw()?;
    for (place, (kind, colour)) in KINDS.into_iter().enumerate() {
        let bar = |(group, (scenario, _)): (usize, &(&str, &str))| {
            let from = group as f64 + 0.08 + place as f64 * 0.14;
            Some(Rectangle::new(
                [(from, 0.0), (from + 0.125, ratio(scenario, kind)?)],
                colour.filled(),
            ))
        };
        bars.draw_series(FAN_OUTS.iter().enumerate().filter_map(bar))?
            .label(kind.name())
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], colour.filled()));
    }
    bars.draw_series(LineSeries::new([(0.0, 1.0), (3.0, 1.0)], BLACK.stroke_width(1)))?;
    bars.configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    for (group, (_, title)) in FAN_OUTS.iter().enumerate() {
        let at = bars.backend_coord(&(group as f64 + 0.25, 0.0));
        root.draw(&Text::new((*title).to_owned(), (at.0, at.1 + 6), ("sans-serif", 13)))?;
    }

    let size = |name: &str| name.split(' ').next().and_then(|count| count.parse::<f64>().ok());
    let series = |unit: &str| -> Vec<(f64, f64)> {
        let point = |scenario: &plan::Scenario| {
            Some((size(scenario.name)?, ratio(scenario.name, Kind::Parlor)?))
        };
        plan::GROWTH
            .iter()
            .filter(|scenario| scenario.name.ends_with(unit))
            .filter_map(point)
            .collect()
    };
    let mut lines = ChartBuilder::on(&right)
        .caption("Parlor as it grows, floor = 1", ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(24)
        .y_label_area_size(36)
        .build_cartesian_2d((8.0..12_000.0).log_scale(), 0.0..2.0)?;
    lines.configure_mesh().x_label_formatter(&|x| format!("{x:.0}")).draw()?;
    for (unit, colour) in [("rooms", KINDS[0].1), ("members", KINDS[5].1)] {
        let points = series(unit);
        lines
            .draw_series(
                LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(3),
            )?
            .label(unit)
            .legend(move |(x, y)| Rectangle::new([(x, y - 5), (x + 10, y + 5)], colour.filled()));
    }
    lines
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerRight)
        .background_style(WHITE.mix(0.8))
        .draw()?;
    root.present()?;
    Ok(())
}
