namespace AsArm.Server.Tests.Support;

/// <summary>One server for all tests that need no settings of their own.</summary>
[TestClass]
public static class SharedServer
{
    private static RunningServer? s_server;

    internal static RunningServer Instance => s_server!;

    [AssemblyInitialize]
    public static async Task StartAsync(TestContext context) => s_server = await RunningServer.StartAsync();

    [AssemblyCleanup]
    public static async Task StopAsync() => await s_server!.DisposeAsync();
}
