namespace AsArm.Server.Security;

/// <summary>Marks endpoints that need no key.</summary>
internal sealed class OpenToAll;
