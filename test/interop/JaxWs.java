import jakarta.xml.ws.BindingProvider;
import java.net.URI;
import java.util.function.Consumer;
import javax.xml.datatype.XMLGregorianCalendar;
import registrar.registration.v1.FaultCode;
import registrar.registration.v1.GetRegistrationRequest;
import registrar.registration.v1.GetRegistrationResponse;
import registrar.registration.v1.ObjectFactory;
import registrar.registration.v1.RegisterRequest;
import registrar.registration.v1.RegisterResponse;
import registrar.registration.v1.RegistrationFault;
import registrar.registration.v1.RegistrationFaultMessage;
import registrar.registration.v1.RegistrationPort;
import registrar.registration.v1.RegistrationService;
import registrar.registration.v1.Status;

/** The scenario by JAX-WS, on the classes that the stack generated. */
final class JaxWs {
  private final RegistrationPort port;
  private RegisterResponse receipt;

  private JaxWs(RegistrationPort port) {
    this.port = port;
  }

  static void run(String stack, String version, Consumer<RegistrationPort> wsse) throws Exception {
    System.out.println("stack " + stack + " " + version);
    RegistrationService service = new RegistrationService(URI.create(Scenario.WSDL).toURL());
    RegistrationPort port = Scenario.SOAP.equals("1.2") ? service.getRegistrationSoap12() : service.getRegistrationSoap11();
    if (Scenario.SECURITY.equals("basic")) {
      var context = ((BindingProvider) port).getRequestContext();
      context.put(BindingProvider.USERNAME_PROPERTY, Scenario.CALLER);
      context.put(BindingProvider.PASSWORD_PROPERTY, Scenario.SECRET);
    } else if (!Scenario.SECURITY.isEmpty()) {
      wsse.accept(port);
    }
    JaxWs client = new JaxWs(port);
    Scenario.tell("register", client::register);
    Scenario.tell("taken", client::taken);
    Scenario.tell("invalid", client::invalid);
    Scenario.tell("lookup", client::lookup);
  }

  private static RegisterRequest request(String username, String email) {
    RegisterRequest request = new RegisterRequest();
    request.setUsername(username);
    request.setEmail(email);
    request.setPassword(Scenario.PASSWORD);
    request.setFirstName(Scenario.FIRST_NAME);
    request.setMobileNumber(new ObjectFactory().createRegisterRequestMobileNumber(null));
    request.setLocale(Scenario.LOCALE);
    return request;
  }

  private RegistrationFault fault(RegisterRequest request) {
    try {
      port.register(request);
    } catch (RegistrationFaultMessage e) {
      return e.getFaultInfo();
    }
    throw new IllegalStateException("no fault");
  }

  private void register() throws RegistrationFaultMessage {
    receipt = port.register(request(Scenario.USERNAME, Scenario.EMAIL));
    Scenario.check(receipt.getRegistrationId().matches(Scenario.UUID), "registrationId is no UUID");
    Scenario.equal(receipt.getStatus(), Status.PENDING_VERIFICATION, "status");
    Scenario.check(!receipt.getMessage().isEmpty(), "message is empty");
    XMLGregorianCalendar at = receipt.getRegisteredAt();
    Scenario.check(at.isValid() && at.getTimezone() == 0, "registeredAt is no time in UTC");
  }

  private void taken() {
    RegistrationFault detail = fault(request(Scenario.USERNAME + "2", Scenario.EMAIL));
    Scenario.equal(detail.getCode(), FaultCode.EMAIL_TAKEN, "code");
    Scenario.equal(detail.isRetryable(), false, "retryable");
  }

  private void invalid() {
    RegistrationFault detail = fault(request(Scenario.USERNAME + "3", "not-an-address"));
    Scenario.equal(detail.getCode(), FaultCode.VALIDATION_FAILED, "code");
    Scenario.equal(detail.getField().size(), 1, "number of fields");
    Scenario.equal(detail.getField().get(0).getName(), "email", "field");
  }

  private void lookup() throws RegistrationFaultMessage {
    GetRegistrationRequest request = new GetRegistrationRequest();
    request.setEmail(Scenario.EMAIL);
    GetRegistrationResponse account = port.getRegistration(request);
    Scenario.equal(account.getRegistrationId(), receipt.getRegistrationId(), "registrationId");
    Scenario.equal(account.getFirstName(), Scenario.FIRST_NAME, "firstName");
    Scenario.equal(account.getMobileNumber(), null, "mobileNumber");
    Scenario.equal(account.isMarketingConsent(), false, "marketingConsent");
  }
}
