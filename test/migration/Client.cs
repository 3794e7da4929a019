// A monolith in .NET: the class of the guide, called as an application would.
using System;

static class Client {
    const string Password = "velvet-anchor-tuesday";

    static void Main(string[] args) {
        var registrar = new Registrar(args[0], args[1], args[2]);
        string id = registrar.Register(4711, "dotnet-4711", "user-4711", "noura@example.com", Password, "نورة", "الحداد", "ar");
        Check(new Guid(id) != Guid.Empty, "registrationId is " + id);
        string again = registrar.Register(4711, "dotnet-4711", "user-4711", "noura@example.com", Password, "نورة", "الحداد", "ar");
        Check(again == id, "the same again is " + again);

        var refused = Refused(() => registrar.Register(4712, "dotnet-4712", "user-4712", "NOURA@example.com", Password, null, null, null));
        Check(refused.Fault == "EMAIL_TAKEN" && refused.Fields.ContainsKey("email") && refused.Message != "", "taken: " + refused.Fault);
        refused = Refused(() => registrar.Register(4713, "dotnet-4713", "user-4713", "not-an-address", Password, new string('x', 31), null, null));
        Check(refused.Fault == "VALIDATION_FAILED" && refused.Fields.Count == 2 && refused.Fields["firstName"] != "", "invalid: " + refused.Fault + " of " + refused.Fields.Count);

        Check(registrar.VerifyPassword("Noura@Example.com", Password, "device-1"), "the right password");
        Check(registrar.VerifyPassword("user-4711", Password, null), "without an origin");
        Check(!registrar.VerifyPassword("noura@example.com", "velvet-anchor-monday", "device-1"), "a wrong password");
        Check(!registrar.VerifyPassword("nobody@example.com", Password, null), "an unknown login");

        try {
            new Registrar("http://127.0.0.1:9/registration", args[1], args[2]).VerifyPassword("user-4711", Password, null);
            throw new Exception("somebody answers at port 9");
        } catch (UnavailableException e) {
            Check(e.Message == "NO_ANSWER", "no answer is " + e.Message);
        }
        try {
            for (int i = 0; i < 50; i++) {
                registrar.VerifyPassword("nobody@example.com", "velvet-anchor-monday", null);
            }
            throw new Exception("guessing has no limit");
        } catch (UnavailableException e) {
            Check(e.Message == "RATE_LIMITED", "guessing is " + e.Message);
        }
        Console.WriteLine(id);
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
