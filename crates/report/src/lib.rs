//! Metrics, verdict, charts, HTML, CSV, JUnit.
