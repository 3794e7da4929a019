import java.util.Calendar;
import org.apache.axiom.soap.SOAP12Constants;
import org.apache.axis2.Version;
import org.apache.axis2.client.Options;
import org.apache.axis2.kernel.http.HTTPConstants;
import org.apache.axis2.transport.http.impl.httpclient4.HttpTransportPropertiesImpl;
import v1.registration.registrar.RegistrationFaultMessage;
import v1.registration.registrar.RegistrationServiceStub;
import v1.registration.registrar.RegistrationServiceStub.Email;
import v1.registration.registrar.RegistrationServiceStub.FaultCode;
import v1.registration.registrar.RegistrationServiceStub.GetRegistrationRequest;
import v1.registration.registrar.RegistrationServiceStub.GetRegistrationResponse;
import v1.registration.registrar.RegistrationServiceStub.Locale;
import v1.registration.registrar.RegistrationServiceStub.Password;
import v1.registration.registrar.RegistrationServiceStub.PersonName;
import v1.registration.registrar.RegistrationServiceStub.RegisterRequest;
import v1.registration.registrar.RegistrationServiceStub.RegisterResponse;
import v1.registration.registrar.RegistrationServiceStub.RegistrationFault;
import v1.registration.registrar.RegistrationServiceStub.Status;
import v1.registration.registrar.RegistrationServiceStub.Username;

final class Client {
  private final RegistrationServiceStub stub;
  private RegisterResponse receipt;

  private Client(RegistrationServiceStub stub) {
    this.stub = stub;
  }

  public static void main(String[] args) throws Exception {
    System.out.println("stack Axis2 " + Version.getVersionText());
    RegistrationServiceStub stub = new RegistrationServiceStub(Scenario.ENDPOINT);
    Options options = stub._getServiceClient().getOptions();
    if (Scenario.SOAP.equals("1.2")) {
      options.setSoapVersionURI(SOAP12Constants.SOAP_ENVELOPE_NAMESPACE_URI);
    }
    if (Scenario.SECURITY.equals("basic")) {
      var authenticator = new HttpTransportPropertiesImpl.Authenticator();
      authenticator.setUsername(Scenario.CALLER);
      authenticator.setPassword(Scenario.SECRET);
      // It waits to be asked for the credential, and may then send the request once more.
      authenticator.setAllowedRetry(true);
      options.setProperty(HTTPConstants.AUTHENTICATE, authenticator);
    }
    Client client = new Client(stub);
    Scenario.tell("register", client::register);
    Scenario.tell("taken", client::taken);
    Scenario.tell("invalid", client::invalid);
    Scenario.tell("lookup", client::lookup);
  }

  private static Email email(String address) {
    Email email = new Email();
    email.setEmail(address);
    return email;
  }

  private static RegisterRequest request(String name, String address) {
    Username username = new Username();
    username.setUsername(name);
    Password password = new Password();
    password.setPassword(Scenario.PASSWORD);
    PersonName firstName = new PersonName();
    firstName.setPersonName(Scenario.FIRST_NAME);
    Locale locale = new Locale();
    locale.setLocale(Scenario.LOCALE);

    RegisterRequest request = new RegisterRequest();
    request.setUsername(username);
    request.setEmail(email(address));
    request.setPassword(password);
    request.setFirstName(firstName);
    request.setMobileNumber(null);
    request.setLocale(locale);
    return request;
  }

  private RegistrationFault fault(RegisterRequest request) throws Exception {
    try {
      stub.register(request);
    } catch (RegistrationFaultMessage e) {
      return e.getFaultMessage();
    }
    throw new IllegalStateException("no fault");
  }

  private void register() throws Exception {
    receipt = stub.register(request(Scenario.USERNAME, Scenario.EMAIL));
    Scenario.check(receipt.getRegistrationId().getRegistrationId().matches(Scenario.UUID), "registrationId is no UUID");
    Scenario.equal(receipt.getStatus(), Status.PENDING_VERIFICATION, "status");
    Scenario.check(!receipt.getMessage().isEmpty(), "message is empty");
    Scenario.check(receipt.getRegisteredAt().get(Calendar.YEAR) >= 2026, "registeredAt");
  }

  private void taken() throws Exception {
    RegistrationFault detail = fault(request(Scenario.USERNAME + "2", Scenario.EMAIL));
    Scenario.equal(detail.getCode(), FaultCode.EMAIL_TAKEN, "code");
    Scenario.equal(detail.getRetryable(), false, "retryable");
  }

  private void invalid() throws Exception {
    RegistrationFault detail = fault(request(Scenario.USERNAME + "3", "not-an-address"));
    Scenario.equal(detail.getCode(), FaultCode.VALIDATION_FAILED, "code");
    Scenario.equal(detail.getField().length, 1, "number of fields");
    Scenario.equal(detail.getField()[0].getName(), "email", "field");
  }

  private void lookup() throws Exception {
    GetRegistrationRequest request = new GetRegistrationRequest();
    request.setEmail(email(Scenario.EMAIL));
    GetRegistrationResponse account = stub.getRegistration(request);
    Scenario.equal(account.getRegistrationId().getRegistrationId(), receipt.getRegistrationId().getRegistrationId(), "registrationId");
    Scenario.equal(account.getFirstName().getPersonName(), Scenario.FIRST_NAME, "firstName");
    Scenario.equal(account.getMobileNumber(), null, "mobileNumber");
    Scenario.equal(account.getMarketingConsent(), false, "marketingConsent");
  }
}
