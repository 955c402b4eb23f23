namespace AsArm.Server.Configuration;

/// <summary>The settings of the server are wrong; the message names one.</summary>
public sealed class ServerConfigurationException(string message) : Exception(message);
