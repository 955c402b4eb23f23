using AsArm.Inference.Devices;
using AsArm.Inference.Infilling;
using AsArm.Inference.ModelFolders;
using AsArm.Inference.Scheduling;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace AsArm.Extensions.DependencyInjection.Tests;

/// <summary>The infiller in a host: options, validation, warm-up, draining.</summary>
[TestClass]
public sealed class AddAsArmTests
{
    private static string ModelPath => Path.Combine(AppContext.BaseDirectory, "models", "english-18m");

    [TestMethod]
    public async Task Host_WithAModel_FillsTexts()
    {
        var log = new Messages();
        using IHost host = Build(services => services.AddAsArm(options => options.ModelPath = ModelPath), log);
        await host.StartAsync();
        CollectionAssert.AreEqual(new[] { 1, 2 }, log.Events.ToArray(), "Opened and warmed up before the first request.");
        ITextInfiller infiller = host.Services.GetRequiredService<ITextInfiller>();
        Assert.AreSame(infiller, host.Services.GetRequiredService<TextInfiller>());
        InfillResult result = await infiller.InfillAsync("The cat <mask:3> the mat.", new InfillOptions { Seed = 1 });
        Assert.StartsWith("The cat ", result.Text);
        await host.StopAsync();
        await Assert.ThrowsExactlyAsync<ObjectDisposedException>(() => infiller.InfillAsync("A <mask>."));
        Assert.IsFalse(log.Texts.Any(text => text.Contains("The cat", StringComparison.Ordinal)), "No text of requests is logged.");
    }

    [TestMethod]
    public async Task Configuration_AllOptions_ReachTheInfiller()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["AsArm:ModelPath"] = ModelPath,
            ["AsArm:Device"] = "Cpu",
            ["AsArm:Threads"] = "1",
            ["AsArm:UseCache"] = "false",
            ["AsArm:UseFloat32"] = "true",
            ["AsArm:DraftMode"] = "Throughput",
            ["AsArm:MaxQueuedRequests"] = "7",
            ["AsArm:QueueFullMode"] = "Reject",
            ["AsArm:WarmUp"] = "false",
        }).Build();
        var log = new Messages();
        using IHost host = Build(services => services.AddAsArm(configuration.GetSection(AsArmOptions.SectionName)), log);
        await host.StartAsync();
        Assert.IsEmpty(log.Events, "Without warm-up the first request opens the model.");
        AsArmOptions options = host.Services.GetRequiredService<IOptions<AsArmOptions>>().Value;
        Assert.AreEqual((1, false, true), (options.Threads, options.UseCache, options.UseFloat32));
        Assert.AreEqual((DraftMode.Throughput, 7, QueueFullMode.Reject), (options.DraftMode, options.MaxQueuedRequests, options.QueueFullMode));
        InfillResult result = await host.Services.GetRequiredService<ITextInfiller>().InfillAsync("The cat <mask:3> the mat.", new InfillOptions { Seed = 1 });
        using TextInfiller same = TextInfiller.Open(ModelPath, new() { UseFloat32 = true, DraftMode = DraftMode.Throughput });
        Assert.AreEqual(same.Infill("The cat <mask:3> the mat.", new InfillOptions { Seed = 1 }).Text, result.Text);
        await host.StopAsync();
    }

    [TestMethod]
    [DataRow("MaxQueuedRequests", "0", "MaxQueuedRequests is 0")]
    [DataRow("Threads", "0", "Threads is 0")]
    [DataRow("Threads", "1025", "Threads is 1025, it must be from 1 to 1024")]
    [DataRow("ModelPath", "", "ModelPath is missing")]
    [DataRow("DraftMode", "9", "DraftMode is 9")]
    [DataRow("Device", "cuda:x", "Device is cuda:x, which is not a device")]
    public async Task Start_WithABadOption_SaysWhich(string name, string value, string message)
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["ModelPath"] = ModelPath, [name] = value }).Build();
        using IHost host = Build(services => services.AddAsArm(configuration), new());
        OptionsValidationException error = await Assert.ThrowsExactlyAsync<OptionsValidationException>(() => host.StartAsync());
        Assert.Contains(message, error.Message);
    }

    [TestMethod]
    public async Task Start_WithoutTheFolder_Fails()
    {
        using IHost host = Build(services => services.AddAsArm(options => options.ModelPath = "no/such/folder"), new());
        await Assert.ThrowsExactlyAsync<ModelFolderException>(() => host.StartAsync());
    }

    [TestMethod]
    public async Task Configuration_DeviceAndItsOptions_ReachTheModel()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["ModelPath"] = ModelPath,
            ["Device"] = "cuda:1",
            ["DeviceOptions:MemoryLimit"] = "1000000",
            ["DeviceOptions:AllowTf32"] = "true",
            ["DeviceOptions:ArenaExtendStrategy"] = "SameAsRequested",
            ["DeviceOptions:ProviderOptions:prefer_nhwc"] = "1",
        }).Build();
        using IHost host = Build(services => services.AddAsArm(configuration), new());
        AsArmOptions options = host.Services.GetRequiredService<IOptions<AsArmOptions>>().Value;
        Assert.AreEqual("cuda:1", options.Device);
        Assert.AreEqual((1_000_000L, true, ArenaExtendStrategy.SameAsRequested), (options.DeviceOptions.MemoryLimit, options.DeviceOptions.AllowTf32, options.DeviceOptions.ArenaExtendStrategy));
        Assert.AreEqual("1", options.DeviceOptions.ProviderOptions["prefer_nhwc"]);
        DeviceNotAvailableException error = await Assert.ThrowsExactlyAsync<DeviceNotAvailableException>(() => host.StartAsync());
        Assert.Contains("cuda:1", error.Message);
    }

    [TestMethod]
    public async Task Start_WithAnOptionThatTheDeviceLacks_SaysWhich()
    {
        using IHost host = Build(services => services.AddAsArm(options => (options.ModelPath, options.DeviceOptions) = (ModelPath, new() { AllowTf32 = true })), new());
        ArgumentException error = await Assert.ThrowsExactlyAsync<ArgumentException>(() => host.StartAsync());
        Assert.Contains("AllowTf32", error.Message);
    }

    /// <summary>Requests that were accepted before the host stops are finished.</summary>
    [TestMethod]
    public async Task Stop_WithRequests_FinishesThem()
    {
        using IHost host = Build(services => services.AddAsArm(options => options.ModelPath = ModelPath), new());
        await host.StartAsync();
        ITextInfiller infiller = host.Services.GetRequiredService<ITextInfiller>();
        Task<InfillResult>[] accepted = [.. Enumerable.Range(0, 40).Select(i => infiller.InfillAsync($"Number {i} <mask:4>.", new InfillOptions { Seed = i }))];
        await host.StopAsync();
        await Task.WhenAll(accepted);
    }

    private static IHost Build(Action<IServiceCollection> register, Messages log)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.AddProvider(log);
        register(builder.Services);
        return builder.Build();
    }

    /// <summary>Keeps the log messages of AsArm.</summary>
    private sealed class Messages : ILoggerProvider, ILogger
    {
        public List<int> Events { get; } = [];

        public List<string> Texts { get; } = [];

        public ILogger CreateLogger(string categoryName) =>
            categoryName.StartsWith("AsArm", StringComparison.Ordinal) ? this : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Events.Add(eventId.Id);
            Texts.Add(formatter(state, exception));
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public void Dispose()
        {
        }
    }
}
