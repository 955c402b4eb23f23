using AsArm.Server.Models;

namespace AsArm.Server.Tests.Support;

/// <summary>Keeps the model of a server from running forward passes until it is opened: requests wait meanwhile.</summary>
internal sealed class ModelGate : IDisposable
{
    private readonly ManualResetEventSlim _opened = new(), _closed = new();
    private readonly Task _holding;

    private ModelGate(ModelLease model) => _holding = Task.Run(() =>
    {
        using (model)
        {
            model.Infiller.RunExclusive(_ =>
            {
                _closed.Set();
                _opened.Wait();
            });
        }
    });

    public static async Task<ModelGate> CloseAsync(RunningServer server)
    {
        var gate = new ModelGate(await server.RentAsync());
        await Task.Run(gate._closed.Wait);
        return gate;
    }

    public void Open() => _opened.Set();

    public void Dispose()
    {
        Open();
        _holding.Wait();
        _opened.Dispose();
        _closed.Dispose();
    }
}
