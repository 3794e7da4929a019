// A monolith in .NET: the class of the guide, called as an application would.
using System;
using System.Diagnostics;

static class Client {
    const string Password = "velvet-anchor-tuesday";

    static void Main(string[] args) {
        var registrar = new Registrar(args[0], args[1], args[2]);
        string id = registrar.Register(4711, "dotnet-4711", "noura@example.com", Password, "نورة", "الحداد", "ar");
        Check(new Guid(id) != Guid.Empty, "registrationId is " + id);
        string again = registrar.Register(4711, "dotnet-4711", "noura@example.com", Password, "نورة", "الحداد", "ar");
        Check(again == id, "the same again is " + again);
        string empty = registrar.Register(4714, "dotnet-4714", "amina@example.com", Password, "", " ", "");
        Check(empty != id, "empty names are " + empty);

        var refused = Refused(() => registrar.Register(4712, "dotnet-4712", "NOURA@example.com", Password, null, null, null));
        Check(refused.Fault == "EMAIL_TAKEN" && refused.Fields.ContainsKey("email") && refused.Message != "", "taken: " + refused.Fault);
        refused = Refused(() => registrar.Register(4713, "dotnet-4713", "not-an-address", Password, new string('x', 31), null, null));
        Check(refused.Fault == "VALIDATION_FAILED" && refused.Fields.Count == 2 && refused.Fields["firstName"] != "", "invalid: " + refused.Fault + " of " + refused.Fields.Count);

        var verified = registrar.VerifyPassword("Noura@Example.com", Password, "device-1");
        Check(verified != null && verified.RegistrationId == id && !verified.IsActive, "the right password");
        Check(registrar.VerifyPassword("user-4711", Password, null) != null, "without an origin");
        Check(registrar.VerifyPassword("noura@example.com", "velvet-anchor-monday", "device-1") == null, "a wrong password");
        Check(registrar.VerifyPassword("nobody@example.com", Password, null) == null, "an unknown login");
        foreach (string login in new[] { "", "ab", new string('x', 255), "user-4711\0", "user-4711\uD800", "user-4711\u0001" }) {
            Check(registrar.VerifyPassword(login, Password, null) == null, "a login of " + login.Length);
        }
        foreach (string password in new[] { "", new string('x', 1025), Password + "\0garbage", Password + "\uD800", Password + "\u0001" }) {
            Check(registrar.VerifyPassword("user-4711", password, null) == null, "a password of " + password.Length);
        }

        // A verdict that nobody gives is none, and comes soon.
        foreach (string url in new[] { "http://127.0.0.1:9/registration", args[3] }) {
            var clock = Stopwatch.StartNew();
            var away = Unavailable(() => new Registrar(url, args[1], args[2]).VerifyPassword("user-4711", Password, null));
            Check(away.Message == "NO_ANSWER" && !(away is MisconfiguredException), "no answer is " + away.Message);
            Check(clock.Elapsed.TotalSeconds < 8, "a login has waited " + clock.Elapsed);
        }
        var stranger = new Registrar(args[0], args[1], "AAAAAAAAAAAAAAAAAAAAAAAAAA");
        foreach (Action call in new Action[] {
            () => stranger.VerifyPassword("user-4711", Password, null),
            () => stranger.Register(4715, "dotnet-4715", "nobody@example.com", Password, null, null, null),
        }) {
            var misconfigured = Unavailable(call);
            Check(misconfigured is MisconfiguredException && misconfigured.Message == "UNAUTHENTICATED", "a wrong secret is " + misconfigured.Message);
        }
        var guessing = Unavailable(() => {
            for (int i = 0; i < 50; i++) {
                registrar.VerifyPassword("nobody@example.com", "velvet-anchor-monday", null);
            }
        });
        Check(guessing.Message == "RATE_LIMITED", "guessing is " + guessing.Message);
        Console.WriteLine(id);
    }

    static UnavailableException Unavailable(Action call) {
        try {
            call();
        } catch (UnavailableException e) {
            return e;
        }
        throw new Exception("it was answered");
    }

    static RefusedException Refused(Action register) {
        try {
            register();
        } catch (RefusedException e) {
            return e;
        }
        throw new Exception("it was not refused");
    }

    static void Check(bool isTrue, string what) {
        if (!isTrue) {
            throw new Exception(what);
        }
    }
}
