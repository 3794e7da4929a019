import java.util.Objects;

/** What the Java clients share: the scenario's values, and how a step is told. */
final class Scenario {
  static final String WSDL = env("INTEROP_WSDL");
  static final String ENDPOINT = env("INTEROP_ENDPOINT");
  static final String SOAP = env("INTEROP_SOAP");
  static final String SECURITY = env("INTEROP_SECURITY");
  static final String CALLER = env("INTEROP_CALLER");
  static final String SECRET = env("INTEROP_SECRET");
  static final String USERNAME = env("INTEROP_USERNAME");

  static final String EMAIL = USERNAME + "@example.com";
  static final String PASSWORD = "velvet-anchor-tuesday";
  static final String FIRST_NAME = "نورة";
  static final String LOCALE = "ar";

  static final String UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

  private Scenario() {}

  private static String env(String name) {
    return Objects.requireNonNullElse(System.getenv(name), "");
  }

  interface Step {
    void run() throws Exception;
  }

  /** Runs a step and prints how it went. */
  static void tell(String step, Step run) {
    try {
      run.run();
      System.out.println("ok " + step);
    } catch (Exception | LinkageError e) { // whatever a stack throws is its user's trouble
      System.out.println("not ok " + step + ": " + e.toString().replaceAll("\\s+", " "));
      e.printStackTrace();
    }
  }

  static void equal(Object got, Object want, String what) {
    if (!Objects.equals(got, want)) {
      throw new IllegalStateException(what + " is " + got + ", not " + want);
    }
  }

  static void check(boolean isTrue, String what) {
    if (!isTrue) {
      throw new IllegalStateException(what);
    }
  }
}
