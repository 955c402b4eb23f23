using System.Net;
using System.Text.Json;
using AsArm.Assd.Tests.Support;
using AsArm.Inference.Infilling;
using AsArm.Server.Configuration;
using AsArm.Server.Models;
using AsArm.Server.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;

namespace AsArm.Server.Tests.Models;

/// <summary>Several models, their memory, and folders that change.</summary>
[TestClass]
public sealed class ModelPoolTests
{
    [TestMethod]
    public async Task Models_AreOpenedWhenTheyAreNeeded_AndClosedForOthers()
    {
        ServerOptions options = RunningServer.Options();
        options.Models["other"] = RunningServer.ModelFolder;
        options.MemoryBudgetMb = 1; // one of them takes 0.7 MB
        await using RunningServer server = await RunningServer.StartAsync(options);
        ModelPool pool = server.App.Services.GetRequiredService<ModelPool>();
        (await server.RentAsync()).Dispose();
        Assert.IsFalse(pool.IsOpen("other"));
        JsonElement answer = await server.PostAsync("/v1/completions", new { model = "other", prompt = "a", max_tokens = 1 });
        Assert.AreEqual("other", answer.GetProperty("model").GetString());
        Assert.IsTrue(pool.IsOpen("other"));
        Assert.IsFalse(pool.IsOpen("text"));
        using ModelLease held = await pool.RentAsync("other", CancellationToken.None);
        JsonElement error = await server.RefuseAsync("/v1/completions", new { model = "text", prompt = "a" }, HttpStatusCode.ServiceUnavailable);
        Assert.AreEqual("no_memory", error.GetProperty("code").GetString());
        held.Dispose();
        await server.PostAsync("/v1/completions", new { model = "text", prompt = "a", max_tokens = 1 });
        Assert.IsFalse(pool.IsOpen("other"));
    }

    /// <summary>A model that was closed for another one is opened when it is needed: the server stays ready.</summary>
    [TestMethod]
    public async Task Health_DefaultModelClosedForAnother_IsReady()
    {
        ServerOptions options = RunningServer.Options();
        options.Models["other"] = RunningServer.ModelFolder;
        options.MemoryBudgetMb = 1;
        await using RunningServer server = await RunningServer.StartAsync(options);
        (await server.RentAsync()).Dispose();
        await server.PostAsync("/v1/completions", new { model = "other", prompt = "a", max_tokens = 1 });
        Assert.IsFalse(server.App.Services.GetRequiredService<ModelPool>().IsOpen(RunningServer.ModelName));
        Assert.AreEqual("ready", await server.Client.GetStringAsync("/health"));
    }

    /// <summary>Clients that give up while a model opens end their wait, not the opening, and begin no other.</summary>
    [TestMethod]
    public async Task Rent_ClientsThatGiveUp_ShareOneOpening()
    {
        ServerOptions options = RunningServer.Options();
        var begun = new TaskCompletionSource();
        var mayOpen = new TaskCompletionSource();
        int openings = 0;
        await using var pool = new ModelPool(options, NullLogger<ModelPool>.Instance, async (name, folder, cancellationToken) =>
        {
            Interlocked.Increment(ref openings);
            begun.SetResult();
            await mayOpen.Task;
            return await new ModelOpener(options).OpenAsync(name, folder, cancellationToken);
        });
        for (int i = 0; i < 10; i++)
        {
            using var source = new CancellationTokenSource();
            Task<ModelLease> rented = pool.RentAsync(null, source.Token);
            await begun.Task;
            await source.CancelAsync();
            await Assert.ThrowsAsync<OperationCanceledException>(() => rented);
        }

        Task<ModelLease> last = pool.RentAsync(null, CancellationToken.None);
        mayOpen.SetResult();
        using ModelLease lease = await last;
        Assert.AreEqual(1, openings);
    }

    /// <summary>A model that was closed for another one while its folder changed is not opened beyond the budget.</summary>
    [TestMethod]
    public async Task Reload_ModelClosedMeanwhile_OpensNothing()
    {
        using var folder = new TemporaryFolder();
        Copy(folder.Path);
        ServerOptions options = RunningServer.Options();
        options.Models = new() { ["first"] = folder.Path, ["second"] = RunningServer.ModelFolder, ["third"] = RunningServer.ModelFolder };
        options.MemoryBudgetMb = 2; // two of them take 1.4 MB
        var begun = new TaskCompletionSource();
        var mayOpen = new TaskCompletionSource();
        var opened = new List<string>();
        await using var pool = new ModelPool(options, NullLogger<ModelPool>.Instance, async (name, path, cancellationToken) =>
        {
            opened.Add(name);
            if (name == "second")
            {
                begun.SetResult();
                await mayOpen.Task;
            }

            return await new ModelOpener(options).OpenAsync(name, path, cancellationToken);
        });
        (await pool.RentAsync("first", CancellationToken.None)).Dispose();
        Task<ModelLease> second = pool.RentAsync("second", CancellationToken.None);
        await begun.Task; // both are in memory, and the second one holds the gate
        File.SetLastWriteTimeUtc(Path.Combine(folder.Path, "config.json"), DateTime.UtcNow.AddDays(1));
        Task<ModelLease> third = pool.RentAsync("third", CancellationToken.None); // will close the first one
        Task<bool> reload = pool.ReloadAsync("first", CancellationToken.None); // has seen it open, and waits behind
        mayOpen.SetResult();
        using ModelLease secondLease = await second, thirdLease = await third;
        Assert.IsFalse(await reload);
        CollectionAssert.AreEqual(new[] { "first", "second", "third" }, opened);
    }

    [TestMethod]
    public void Models_LargerThanTheBudget_AreRefusedAtOnce()
    {
        ServerOptions options = RunningServer.Options();
        using var folder = new TemporaryFolder();
        Copy(folder.Path);
        File.WriteAllBytes(Path.Combine(folder.Path, "large"), new byte[1 << 20]);
        options.Models["large"] = folder.Path;
        options.MemoryBudgetMb = 1;
        ServerConfigurationException error = Assert.ThrowsExactly<ServerConfigurationException>(() => AsArmServer.Build(options));
        Assert.Contains("'large'", error.Message);
    }

    [TestMethod]
    public async Task Folder_ThatHasChanged_IsOpenedAnew()
    {
        using var folder = new TemporaryFolder();
        Copy(folder.Path);
        ServerOptions options = RunningServer.Options();
        options.Models[RunningServer.ModelName] = folder.Path;
        options.ReloadSeconds = 0.02;
        await using RunningServer server = await RunningServer.StartAsync(options);
        TextInfiller before;
        using (ModelLease held = await server.RentAsync())
        {
            before = held.Infiller;
            File.SetLastWriteTimeUtc(Path.Combine(folder.Path, "config.json"), DateTime.UtcNow.AddDays(1));
            while (ReferenceEquals(await InfillerOfAsync(server), before))
                await Task.Delay(5);
            Assert.AreEqual("text", (await server.PostAsync("/v1/completions", new { prompt = "a", max_tokens = 1 })).GetProperty("model").GetString());
            Assert.IsNotNull(await before.InfillAsync("Tom was <mask>.")); // who has it may go on
        }

        while (true) // until it is closed
        {
            try
            {
                await before.InfillAsync("Tom was <mask>.");
            }
            catch (ObjectDisposedException)
            {
                return;
            }
        }
    }

    /// <summary>A damaged folder is told of, and the model that is open goes on.</summary>
    [TestMethod]
    public async Task Folder_ThatIsDamaged_LeavesTheOldModel()
    {
        using var folder = new TemporaryFolder();
        Copy(folder.Path);
        ServerOptions options = RunningServer.Options();
        options.Models[RunningServer.ModelName] = folder.Path;
        await using RunningServer server = await RunningServer.StartAsync(options);
        TextInfiller before = await InfillerOfAsync(server);
        File.WriteAllText(Path.Combine(folder.Path, "asarm.json"), "{}");
        ModelPool pool = server.App.Services.GetRequiredService<ModelPool>();
        await Assert.ThrowsAsync<Assd.AsArmException>(() => pool.ReloadAsync(RunningServer.ModelName, CancellationToken.None));
        Assert.AreSame(before, await InfillerOfAsync(server));
    }

    [TestMethod]
    public async Task Folder_ThatIsNoModel_EndsTheServerWithTheReason()
    {
        using var folder = new TemporaryFolder();
        ServerOptions options = RunningServer.Options();
        options.Models[RunningServer.ModelName] = folder.Path;
        ServerConfigurationException error = await Assert.ThrowsExactlyAsync<ServerConfigurationException>(() => AsArmServer.RunAsync(options, _ => { }, CancellationToken.None));
        Assert.Contains("asarm.json", error.Message);
    }

    private static async Task<TextInfiller> InfillerOfAsync(RunningServer server)
    {
        using ModelLease lease = await server.RentAsync();
        return lease.Infiller;
    }

    private static void Copy(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (string file in Directory.GetFiles(RunningServer.ModelFolder))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
    }
}
