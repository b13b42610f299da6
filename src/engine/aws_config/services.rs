//! `[services NAME]` of the AWS config: endpoints of single services, nested below the name of the service (AWS SDK
//! reference, "Service-specific endpoints"). Reads that one value and nothing else.

use super::named;

/// The `endpoint_url` of `service` in `[services NAME]`. The last one counts, as for any key.
pub fn services_endpoint(config: &str, name: &str, service: &str) -> Option<String> {
    let mut is_inside = false;
    let mut is_below = false;
    let mut found = None;
    for line in config.strip_prefix('\u{feff}').unwrap_or(config).lines() {
        let is_indented = line.starts_with([' ', '\t']);
        let text = line.trim();
        if text.is_empty() || text.starts_with(['#', ';']) {
            continue;
        }
        if let Some(inside) = text.strip_prefix('[') {
            // One that does not close, or is indented, names nothing for certain, but it ends what is above.
            let header =
                inside.split_once(']').filter(|_| !is_indented).and_then(|(name, _)| named(name.trim(), "services"));
            is_inside = header.is_some_and(|found| found == name);
            is_below = false;
            continue;
        }
        let Some((key, value)) = text.split_once('=') else { continue };
        let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
        if !is_indented {
            is_below = is_inside && key == service && value.is_empty();
        } else if is_below && key == "endpoint_url" && !value.is_empty() {
            found = Some(value.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::services_endpoint;

    const CONFIG: &str = "\
[profile dev]
services = local
sts =
  endpoint_url = http://not.this
[services other]
sts =
  endpoint_url = http://nor.this
[services local]   ; of the project
s3 =
  endpoint_url = http://127.0.0.1:1
# a comment

STS =
\t# another
    endpoint_url = http://127.0.0.1:2
    Region = x
sts_regional = x
  endpoint_url = http://below.something.else
[services 'quoted']
sts =
  endpoint_url = http://127.0.0.1:3
[services torn
sts =
  endpoint_url = http://127.0.0.1:4
  [services indented]
sts =
  endpoint_url = http://127.0.0.1:5
";

    #[test]
    fn only_the_line_below_the_service_counts() {
        let of = |name: &str, service: &str| services_endpoint(CONFIG, name, service);
        assert_eq!(of("local", "sts").as_deref(), Some("http://127.0.0.1:2"));
        assert_eq!(of("local", "s3").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(of("quoted", "sts").as_deref(), Some("http://127.0.0.1:3"));
        assert_eq!(of("local", "dynamodb"), None);
        assert_eq!(of("nobody", "sts"), None);
        assert_eq!((of("torn", "sts"), of("indented", "sts")), (None, None));
        assert_eq!(services_endpoint("[services x]\nsts =\nendpoint_url = y\n", "x", "sts"), None, "not indented");
    }
}
