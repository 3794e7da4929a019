using System;
using System.Net;
using System.Reflection;
using System.Text.RegularExpressions;
using System.Web.Services.Protocols;
using System.Xml;

static class Client {
    const string Password = "velvet-anchor-tuesday", FirstName = "نورة", Locale = "ar";

    static readonly string Username = Environment.GetEnvironmentVariable("INTEROP_USERNAME");
    static readonly string Email = Username + "@example.com";

    static readonly RegistrationService Service = new RegistrationService();
    static string id;

    static void Main() {
        var version = typeof(object).Assembly.GetType("Mono.Runtime").GetMethod("GetDisplayName", BindingFlags.NonPublic | BindingFlags.Static);
        Console.WriteLine("stack Mono " + ((string)version.Invoke(null, null)).Split(' ')[0]);
        Service.Url = Environment.GetEnvironmentVariable("INTEROP_ENDPOINT");
        if (Environment.GetEnvironmentVariable("INTEROP_SECURITY") == "basic") {
            // Sent once the service asks for it.
            Service.Credentials = new NetworkCredential(Environment.GetEnvironmentVariable("INTEROP_CALLER"), Environment.GetEnvironmentVariable("INTEROP_SECRET"));
        }
        Tell("register", Register);
        Tell("taken", Taken);
        Tell("invalid", Invalid);
        Tell("lookup", Lookup);
    }

    static void Tell(string step, Action run) {
        try {
            run();
            Console.WriteLine("ok " + step);
        } catch (Exception e) {
            Console.WriteLine("not ok " + step + ": " + Regex.Replace(e.GetType() + ": " + e.Message, @"\s+", " "));
            Console.Error.WriteLine(e);
        }
    }

    static void Check(bool isTrue, string what) {
        if (!isTrue) {
            throw new Exception(what);
        }
    }

    static void Register() {
        Status status;
        string message;
        DateTime registeredAt;
        id = Service.Register(null, Username, Email, Password, FirstName, null, null, Locale, false, false, null, null, out status, out message, out registeredAt);
        Check(Regex.IsMatch(id, "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"), "registrationId is no UUID");
        Check(status == Status.PENDING_VERIFICATION, "status is " + status);
        Check(message != "", "message is empty");
        Check(registeredAt.Year >= 2026, "registeredAt is " + registeredAt);
    }

    // Fault registers and gives the detail of the fault: System.Web.Services has no classes for one, a caller reads its XML.
    static XmlElement Fault(string username, string email) {
        Status status;
        string message;
        DateTime registeredAt;
        try {
            Service.Register(null, username, email, Password, FirstName, null, null, Locale, false, false, null, null, out status, out message, out registeredAt);
        } catch (SoapException e) {
            Check(e.Detail != null, "no detail in " + e.Message);
            return e.Detail["RegistrationFault", "urn:registrar:registration:v1"];
        }
        throw new Exception("no fault");
    }

    static void Taken() {
        var detail = Fault(Username + "2", Email);
        Check(detail["code"].InnerText == "EMAIL_TAKEN", "code");
        Check(!XmlConvert.ToBoolean(detail["retryable"].InnerText), "retryable");
    }

    static void Invalid() {
        var detail = Fault(Username + "3", "not-an-address");
        Check(detail["code"].InnerText == "VALIDATION_FAILED", "code");
        Check(detail.GetElementsByTagName("field").Count == 1 && detail["field"]["name"].InnerText == "email", "fields");
    }

    static void Lookup() {
        string registrationId = null, username = null, email = Email, externalId = null, firstName, lastName, mobileNumber, locale;
        bool marketingConsent, emailVerified, mobileVerified;
        DateTime registeredAt, emailVerifiedAt, mobileVerifiedAt;
        Notification[] notifications;
        Service.GetRegistration(ref registrationId, ref username, ref email, ref externalId, out firstName, out lastName, out mobileNumber, out locale, out marketingConsent, out registeredAt,
            out emailVerifiedAt, out emailVerified, out mobileVerifiedAt, out mobileVerified, out notifications);
        Check(registrationId == id, "registrationId");
        Check(firstName == FirstName, "firstName");
        Check(mobileNumber == null, "mobileNumber");
        Check(!marketingConsent, "marketingConsent");
        Check(!emailVerified && !mobileVerified, "verified");
    }
}
