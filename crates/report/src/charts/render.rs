//! From shapes to SVG and PNG, by plotters, with the one font that is in the tree.

use super::font_metrics::{Bitmap, LINE_OF_EM, REGULAR, SEMIBOLD};
use super::picture::{Anchor, DrawnShape, Picture, ShapeRole, ShapeTag, TextStyle};
use super::theme::{Ink, PAPER};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, RGBAColor, RGBColor, ShapeStyle, register_font,
};
use std::sync::OnceLock;

/// The font's name in SVGs; whoever shows one without it gets the next best.
const FAMILY: &str = "Inter, system-ui, sans-serif";

/// Pixels of a PNG per pixel of the picture.
const PNG_SCALE: f64 = 2.0;

/// Units of an SVG per pixel of the picture: plotters writes whole units, and a line is smooth only in
/// finer steps than pixels.
const SVG_SCALE: f64 = 4.0;

/// A standalone SVG.
pub(super) fn svg(picture: &Picture) -> Result<String, String> {
    let mut text = String::new();
    let (width, height) = size(picture, SVG_SCALE);
    draw(picture, SVG_SCALE, SVGBackend::with_string(&mut text, (width, height)))?;
    let (shown_width, shown_height) = size(picture, 1.0);
    let units = format!("<svg width=\"{width}\" height=\"{height}\"");
    let shown = format!("<svg width=\"{shown_width}\" height=\"{shown_height}\" role=\"img\"");
    Ok(text.replacen(&units, &shown, 1))
}

/// The same SVG as a part of a page: without paper and font, which are the page's, and with its shapes in groups by
/// what its script does with them. `id` is its own on the page.
pub(super) fn page_svg(picture: &Picture, id: &str) -> Result<String, String> {
    let (width, height) = size(picture, SVG_SCALE);
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\"",
        escaped(&picture.title)
    );
    let words = match &picture.words[..] {
        [] => String::new(),
        words => {
            svg += &format!(" aria-describedby=\"{id}-words\"");
            format!("<desc id=\"{id}-words\">{}</desc>\n", escaped(&words.join(". ")))
        }
    };
    if let Some(span) = picture.span {
        let [left, right, top, bottom] =
            [span.left, span.right, span.top, span.bottom].map(|place| (place * SVG_SCALE).round());
        let seconds = span.seconds;
        svg += &format!(
            " data-left=\"{left}\" data-right=\"{right}\" data-top=\"{top}\" \
             data-bottom=\"{bottom}\" data-seconds=\"{seconds}\">\n"
        );
        // Dots at the edges are whole.
        let (x, wide) = (left - 8.0, right - left + 16.0);
        svg += &format!(
            "<clipPath id=\"{id}-clip\"><rect x=\"{x}\" y=\"0\" width=\"{wide}\" \
             height=\"{height}\"/></clipPath>\n"
        );
    } else {
        svg += ">\n";
    }
    svg += &words;
    let tagged: Vec<_> = picture.tags.iter().zip(&picture.shapes).collect();
    for group in tagged.chunk_by(|one, other| one.0 == other.0) {
        let shapes = group.iter().map(|&(_, shape)| shape);
        let drawn = part_of_page(shapes, (width, height))?;
        svg += &grouped(group[0].0, &drawn, id);
    }
    svg += "</svg>\n";
    Ok(svg)
}

/// Shapes as elements for a page.
fn part_of_page<'a>(
    shapes: impl Iterator<Item = &'a DrawnShape>,
    size: (u32, u32),
) -> Result<String, String> {
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        for shape in shapes {
            draw_shape(&area, shape, SVG_SCALE).map_err(|error| error.to_string())?;
        }
        area.present().map_err(|error| error.to_string())?;
    }
    let (_, elements) = text.split_once('\n').unwrap_or(("", &text));
    let elements = elements.trim_end().trim_end_matches("</svg>");
    // What a page has by itself, or what is the same without it.
    let usual = [
        " opacity=\"1\"",
        " stroke=\"none\"",
        &format!(" font-family=\"{FAMILY}\""),
        " text-anchor=\"start\"",
    ];
    let elements = usual.iter().fold(elements.to_owned(), |text, usual| text.replace(usual, ""));
    Ok(elements.replace("52.00000000000001", "52"))
}

fn grouped(tag: &ShapeTag, drawn: &str, id: &str) -> String {
    let series = tag.series.as_ref();
    let series =
        series.map_or_else(String::new, |name| format!(" data-series=\"{}\"", escaped(name)));
    let opening = match tag.role {
        ShapeRole::Still if series.is_empty() => return drawn.to_owned(),
        ShapeRole::Still => format!("<g{series}>"),
        ShapeRole::Data => format!("<g class=\"d\" clip-path=\"url(#{id}-clip)\"{series}>"),
        ShapeRole::Label(x) => {
            format!("<g class=\"l\" data-x=\"{}\"{series}>", (x * SVG_SCALE).round())
        }
        ShapeRole::TimeMark => "<g class=\"t\">".to_owned(),
        ShapeRole::Legend => format!("<g class=\"k\"{series}>"),
    };
    format!("{opening}{drawn}</g>\n")
}

/// A text as the value of an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

pub(super) fn png(picture: &Picture) -> Result<Vec<u8>, String> {
    let (width, height) = size(picture, PNG_SCALE);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let bitmap = Bitmap(BitMapBackend::with_buffer(&mut pixels, (width, height)));
    draw(picture, PNG_SCALE, bitmap)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(&pixels).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn size(picture: &Picture, scale: f64) -> (u32, u32) {
    ((picture.width * scale) as u32, (picture.height * scale) as u32)
}

fn draw<B: DrawingBackend>(picture: &Picture, scale: f64, backend: B) -> Result<(), String> {
    register_fonts()?;
    let area = backend.into_drawing_area();
    let failed = |error: plotters::drawing::DrawingAreaErrorKind<B::ErrorType>| error.to_string();
    area.fill(&colour(PAPER)).map_err(failed)?;
    for shape in &picture.shapes {
        draw_shape(&area, shape, scale).map_err(failed)?;
    }
    area.present().map_err(failed)
}

fn draw_shape<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    shape: &DrawnShape,
    scale: f64,
) -> Result<(), plotters::drawing::DrawingAreaErrorKind<B::ErrorType>> {
    let at = |(x, y): (f64, f64)| ((x * scale).round() as i32, (y * scale).round() as i32);
    match shape {
        DrawnShape::Rect { from, to, ink } => {
            area.draw(&Rectangle::new([at(*from), at(*to)], colour(*ink).filled()))
        }
        DrawnShape::Area { points, ink } => {
            let points: Vec<_> = points.iter().copied().map(at).collect();
            area.draw(&Polygon::new(points, colour(*ink).filled()))
        }
        DrawnShape::Path { points, ink, width } => {
            let points: Vec<_> = points.iter().copied().map(at).collect();
            area.draw(&PathElement::new(points, stroke(*ink, width * scale)))
        }
        DrawnShape::Dot { at: centre, radius, ink, filled } => {
            let style = if *filled { colour(*ink).filled() } else { stroke(*ink, 1.5 * scale) };
            area.draw(&Circle::new(at(*centre), (radius * scale).round() as i32, style))
        }
        DrawnShape::Text { at: place, text, style } => {
            let style = text_style(style, scale);
            area.draw(&Text::new(text.clone(), at(*place), style))
        }
    }
}

fn text_style(style: &TextStyle, scale: f64) -> plotters::style::TextStyle<'static> {
    let weight = if style.bold { FontStyle::Bold } else { FontStyle::Normal };
    let horizontal = match style.anchor {
        Anchor::Left => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::Right => HPos::Right,
    };
    let font = FontDesc::new(FontFamily::Name(FAMILY), style.size * LINE_OF_EM * scale, weight);
    let place = Pos::new(horizontal, VPos::Center);
    let ink: &RGBAColor = &colour(style.ink);
    let mut described = plotters::style::TextStyle::from(font).pos(place);
    described.color = ink.to_backend_color();
    described
}

fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    ShapeStyle { color: colour(ink), filled: false, stroke_width: (width.round() as u32).max(1) }
}

fn colour(ink: Ink) -> RGBAColor {
    let (r, g, b) = ink.rgb;
    RGBColor(r, g, b).mix(ink.alpha)
}

fn register_fonts() -> Result<(), String> {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    let registered = REGISTERED.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, REGULAR).is_ok()
            && register_font(FAMILY, FontStyle::Bold, SEMIBOLD).is_ok()
    });
    if *registered { Ok(()) } else { Err("the font in the tree cannot be read".to_owned()) }
}
