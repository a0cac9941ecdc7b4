use super::*;

fn serve(arguments: &[&str]) -> Result<ServeOptions, String> {
    let arguments = ["mailing-groups"].iter().chain(arguments);
    let cli = Cli::try_parse_from(arguments).map_err(|error| error.to_string())?;
    Ok(cli.serve)
}

#[test]
fn an_invalid_variable_is_named_instead_of_its_flag() {
    let arguments = ["mailing-groups", "--max-calls=many"].map(OsString::from);
    let error = || Cli::try_parse_from(&arguments).expect_err("not a number");
    let of_variable = name_variable(error(), &[]).to_string();
    assert!(
        of_variable.contains("'MAILING_GROUPS_MAX_CALLS'"),
        "{of_variable}"
    );
    let of_flag = name_variable(error(), &arguments).to_string();
    assert!(of_flag.contains("'--max-calls <COUNT>'"), "{of_flag}");
}

#[test]
fn durations_need_a_unit() {
    let options = serve(&["--call-timeout", "90s", "--database-wait", "500ms"]);
    let options = options.expect("durations");
    assert_eq!(options.call_timeout, Duration::from_secs(90));
    assert_eq!(options.database.database_wait, Duration::from_millis(500));
    for flag in [
        "--call-timeout",
        "--stream-timeout",
        "--drain-timeout",
        "--database-wait",
        "--history-retention",
    ] {
        let refused = serve(&[flag, "7"]).expect_err("no unit");
        assert!(refused.contains("write 7s, 5m or 7d"), "{refused}");
    }
}

#[test]
fn tenants_are_implicit_or_explicit() {
    let tenants = |arguments: &[&str]| serve(arguments).map(|options| options.tenants);
    assert!(matches!(tenants(&[]), Ok(TenantMode::Implicit)));
    let explicit = tenants(&["--tenants", "explicit"]);
    assert!(matches!(explicit, Ok(TenantMode::Explicit)));
    let refused = tenants(&["--tenants", "none"]).expect_err("no mode");
    assert!(refused.contains("implicit, explicit"), "{refused}");
}

#[test]
fn addresses_are_resolved() {
    let listen = |text| serve(&["--listen", text]).map(|options| options.listen);
    let local = Ok(SocketAddr::from(([127, 0, 0, 1], 50051)));
    assert_eq!(listen("localhost:50051"), local);
    assert_eq!(listen("127.0.0.1:50051"), local);
    for wrong in ["50051", ":50051", "localhost"] {
        let refused = listen(wrong).expect_err("no address");
        assert!(refused.contains("write 127.0.0.1:50051"), "{refused}");
    }
}
