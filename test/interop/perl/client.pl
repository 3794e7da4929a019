use strict;
use warnings;
use utf8;

use Digest::SHA qw(sha1);
use MIME::Base64 qw(encode_base64);
use POSIX qw(strftime);
use SOAP::Lite;

my $NS   = 'urn:registrar:registration:v1';
my $WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
my $WSU  = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
my $TOKEN  = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#';
my $BASE64 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary';

my $username = $ENV{INTEROP_USERNAME};
my $email    = "$username\@example.com";
my $password = 'velvet-anchor-tuesday';
my $security = $ENV{INTEROP_SECURITY} // '';

# SOAP::Lite's WSDL reader knows RPC only: its users of document/literal services
# name the namespace and the actions themselves.
SOAP::Lite->soapversion($ENV{INTEROP_SOAP});
my $soap = SOAP::Lite->new(proxy => $ENV{INTEROP_ENDPOINT})->default_ns($NS)->on_action(sub {
    my (undef, $element) = @_;
    $element =~ s/Request$//;
    return qq{"$NS/$element"};
});
# It writes encodingStyle on the Envelope, which SOAP 1.1 allows and SOAP 1.2 (part 1, 5.1.1) does not.
$soap->encodingStyle('') if $ENV{INTEROP_SOAP} eq '1.2';

# SOAP::Lite asks for these when the service answers 401 with a challenge.
sub SOAP::Transport::HTTP::Client::get_basic_credentials {
    return $security eq 'basic' ? ($ENV{INTEROP_CALLER}, $ENV{INTEROP_SECRET}) : ();
}

# untyped is an element without xsi:type; SOAP::Lite escapes typed values alone.
sub untyped {
    my ($name, $value) = @_;
    return SOAP::Data->name($name)->type('')->value(SOAP::Utils::encode_data($value));
}

# SOAP::Lite has no WS-Security of its own: its users build the header.
sub username_token {
    my @rest;
    my ($type, $value) = ('PasswordText', $ENV{INTEROP_SECRET});
    if ($security eq 'wsse-digest') {
        open my $random, '<:raw', '/dev/urandom' or die $!;
        read $random, my $nonce, 16;
        my $created = strftime('%Y-%m-%dT%H:%M:%SZ', gmtime);
        ($type, $value) = ('PasswordDigest', encode_base64(sha1($nonce . $created . $ENV{INTEROP_SECRET}), ''));
        @rest = (
            untyped('wsse:Nonce', encode_base64($nonce, ''))->attr({ EncodingType => $BASE64 }),
            untyped('wsu:Created', $created),
        );
    }
    my @token = (
        untyped('wsse:Username', $ENV{INTEROP_CALLER}),
        untyped('wsse:Password', $value)->attr({ Type => $TOKEN . $type }),
        @rest,
    );
    return SOAP::Header->name('wsse:Security')->attr({ 'xmlns:wsse' => $WSSE, 'xmlns:wsu' => $WSU })
        ->value(\SOAP::Data->name('wsse:UsernameToken')->value(\SOAP::Data->value(@token)));
}

# ask calls an operation with pairs of names and values. Its strings are typed:
# SOAP::Lite sends whatever is not ASCII as base64 otherwise.
sub ask {
    my ($element, @pairs) = @_;
    my @arguments;
    while (my ($name, $value) = splice @pairs, 0, 2) {
        push @arguments, defined $value ? SOAP::Data->name($name)->type(string => $value) : SOAP::Data->name($name => undef);
    }
    push @arguments, username_token() if $security =~ /^wsse/;
    my $answer = $soap->call($element, @arguments);
    ref $answer or die $soap->transport->status . "\n";
    return $answer;
}

# text is what a fault says: faultstring reads SOAP 1.1 alone.
sub text {
    my ($answer) = @_;
    return ($answer->faultstring // $answer->valueof('//Fault/Reason/Text')) . "\n";
}

sub answer {
    my $answer = ask(@_);
    die text($answer) if $answer->fault;
    return $answer->body->{ ($_[0] =~ s/Request$/Response/r) };
}

sub fault {
    my $answer = ask('RegisterRequest', @_);
    $answer->fault or die "no fault\n";
    my $detail = $answer->faultdetail // $answer->valueof('//Fault/Detail');
    ref $detail or die text($answer);
    return $detail->{RegistrationFault};
}

sub equal {
    my ($got, $want, $what) = @_;
    die "$what is " . ($got // 'undef') . "\n" unless defined $got && $got eq $want;
}

my $receipt;
my @steps = (
    register => sub {
        $receipt = answer('RegisterRequest', username => $username, email => $email, password => $password,
            firstName => 'نورة', mobileNumber => undef, locale => 'ar');
        $receipt->{registrationId} =~ /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/ or die "registrationId is no UUID\n";
        equal($receipt->{status}, 'PENDING_VERIFICATION', 'status');
        length $receipt->{message} or die "message is empty\n";
        $receipt->{registeredAt} =~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/ or die "registeredAt is $receipt->{registeredAt}\n";
    },
    taken => sub {
        my $detail = fault(username => $username . '2', email => $email, password => $password);
        equal($detail->{code}, 'EMAIL_TAKEN', 'code');
        equal($detail->{retryable}, 'false', 'retryable');
    },
    invalid => sub {
        my $detail = fault(username => $username . '3', email => 'not-an-address', password => $password);
        equal($detail->{code}, 'VALIDATION_FAILED', 'code');
        equal($detail->{field}{name}, 'email', "the field's name");
    },
    lookup => sub {
        my $account = answer('GetRegistrationRequest', email => $email);
        equal($account->{registrationId}, $receipt->{registrationId}, 'registrationId');
        equal($account->{firstName}, 'نورة', 'firstName');
        die "there is a mobileNumber\n" if exists $account->{mobileNumber};
        equal($account->{marketingConsent}, 'false', 'marketingConsent');
    },
);

binmode STDOUT, ':encoding(UTF-8)';
print "stack SOAP::Lite $SOAP::Lite::VERSION\n";
while (my ($step, $do) = splice @steps, 0, 2) {
    if (eval { $do->(); 1 }) {
        print "ok $step\n";
    } else {
        print "not ok $step: " . ($@ =~ s/\s+/ /gr) . "\n";
    }
}
